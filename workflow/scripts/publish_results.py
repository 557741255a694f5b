"""Check the small results of a run and copy them to results/published/, with their origin."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_json
from deltaloss.core.log import job_log, logger
from deltaloss.evidence.provenance import describe_run
from deltaloss.evidence.published import publish


def main(job: Any) -> None:
    """Copy what the present settings and code made, then describe the run."""
    files = [*job.input.files, *job.input.summaries]
    publish(files, job.params.job["expected"])
    write_json(Path(job.output.run), describe_run(job.params.job["experiment"]))
    logger.info("%d files in %s", len(files), Path(job.output.run).parent)


if __name__ == "__main__":
    with job_log(snakemake.log[0], "publish"):
        main(snakemake)
