"""Make table 5, 6 or 7 from the accuracy curves of one puzzle."""

from pathlib import Path
from typing import Any

from deltaloss.files import write_json
from deltaloss.gathering import gather
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job
from deltaloss.records import load_curve
from deltaloss.tables import read_results, tabulate_accuracy
from deltaloss.typeset import save_table


def main(job: Any) -> None:
    """Write the table as CSV, Markdown and LaTeX."""
    chosen = job.params.job
    results = read_results(gather([chosen], job.input), load_curve)
    table = tabulate_accuracy(results, experiment=chosen["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"table {snakemake.wildcards.number}"):
        main(snakemake)
