"""Take histories and answers of finished trainings from results/published/."""

from typing import Any

from deltaloss.core.log import job_log, logger
from deltaloss.evidence.published import restore


def main(job: Any) -> None:
    """Check the published files and copy them."""
    files = [*job.output.files, *job.output.summaries]
    restore(files, job.params.published["expected"], job.input.audits)
    trainings = sum("/histories/" in path for path in job.output.summaries)
    logger.info("%d trainings and their answers are taken from results/published/", trainings)


if __name__ == "__main__":
    with job_log(snakemake.log[0], snakemake.rule.replace("_", " ")):
        main(snakemake)
