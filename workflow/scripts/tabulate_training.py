"""Make table 4 from the training histories of all puzzles."""

from pathlib import Path
from typing import Any

from deltaloss.files import write_json
from deltaloss.gathering import gather
from deltaloss.jobs import job_log
from deltaloss.provenance import describe_job
from deltaloss.records import load_history
from deltaloss.tables import read_results, tabulate_training
from deltaloss.typeset import save_table


def main(job: Any) -> None:
    """Write the table as CSV, Markdown and LaTeX."""
    chosen = job.params.job
    results = read_results(gather(chosen["tasks"], job.input), load_history)
    table = tabulate_training(results, experiment=chosen["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    write_json(Path(job.output.provenance), describe_job(job.params.job, job.input))


if __name__ == "__main__":
    with job_log(snakemake.log[0], "table 4"):
        main(snakemake)
