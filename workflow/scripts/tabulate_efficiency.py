"""Make the table of time and memory from the measurements of all puzzles."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evidence.efficiency import tabulate_efficiency
from deltaloss.evidence.provenance import load_table, save_provenance
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write the table in every format, and its provenance."""
    measured = [load_table(Path(path)) for path in job.input.results]
    table = tabulate_efficiency(measured, experiment=job.params.job["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=job.input.results,
        outputs=job.output.tables,
    )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "efficiency"):
        main(snakemake)
