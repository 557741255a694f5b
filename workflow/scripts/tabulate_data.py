"""Make table 2 from the audits of all puzzles."""

from pathlib import Path
from typing import Any

from deltaloss.data_table import read_reports, tabulate_data
from deltaloss.files import write_json
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job
from deltaloss.typeset import save_table


def main(job: Any) -> None:
    """Write the table as CSV, Markdown and LaTeX."""
    reports = read_reports([Path(path) for path in job.input])
    table = tabulate_data(reports, experiment=job.params.job["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], "table 2"):
        main(snakemake)
