"""Join the statistics of the puzzles into one file."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import check_file, write_text
from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import save_provenance


def main(job: Any) -> None:
    """Write one heading, then the rows of all inputs in their order."""
    paths = [Path(path) for path in job.input.tables]
    for path in paths:
        check_file(path)
    parts = [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in paths]
    heading = parts[0][0]
    write_text(Path(job.output.table), heading + "".join(row for rows in parts for row in rows[1:]))
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.tables,
        outputs=[job.output.table],
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], snakemake.wildcards.statistic):
        main(snakemake)
