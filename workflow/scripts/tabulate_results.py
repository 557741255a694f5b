"""Make one of the tables: of the data, of the trainings, or of a puzzle's accuracies."""

from pathlib import Path
from typing import Any

from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import save_provenance
from deltaloss.evidence.tables import make_table
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write the table in every format, and its provenance."""
    tests = job.input.get("tests", [])
    settings = job.params.job["settings"]
    table = make_table(
        job.params.job["kind"], map(Path, job.input.results), settings, map(Path, tests)
    )
    save_table(table, [Path(path) for path in job.output.tables])
    save_provenance(
        Path(job.output.provenance),
        job.params.job,
        inputs=[*job.input.results, *tests],
        outputs=job.output.tables,
    )


if __name__ == "__main__":
    name = Path(snakemake.output.tables[0]).stem.replace("_", " ")
    with job_log(snakemake.log[0], name):
        main(snakemake)
