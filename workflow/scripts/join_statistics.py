"""Join the statistics of the puzzles into one file."""

from pathlib import Path
from typing import Any

import pandas as pd

from deltaloss.files import write_json, write_text
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job


def main(job: Any) -> None:
    """Write the rows of all inputs, in their order."""
    frame = pd.concat([pd.read_csv(path) for path in job.input])
    write_text(Path(job.output.table), frame.to_csv(index=False))
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"{snakemake.wildcards.statistic}"):
        main(snakemake)
