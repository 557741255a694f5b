"""Compare the results of a run with those that were published."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log, logger
from deltaloss.evidence.verification import pair_files, verify


def main(job: Any) -> None:
    """Report all differences; refuse them where the machine cannot be their cause."""
    files = [Path(path) for path in (*job.input.files, *job.input.summaries)]
    pairs = pair_files(Path("results", job.params.job["experiment"]), files)
    for line in verify(pairs):
        logger.info("%s", line)


if __name__ == "__main__":
    with job_log(snakemake.log[0], "verify"):
        main(snakemake)
