"""Summarize the answers at all sizes of a puzzle: a statistic of every seed, a table over seeds."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import save_provenance
from deltaloss.evidence.sizes import read_sizes, summarize_sizes, tabulate_sizes
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write the statistic, the table in every format, and their provenance."""
    settings = job.params.job
    summary = summarize_sizes(read_sizes(map(Path, job.input.results)))
    write_csv(Path(job.output.statistic), summary)
    table = tabulate_sizes(summary, experiment=settings["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    for outputs in ([job.output.statistic], job.output.tables):
        save_provenance(
            Path(outputs[0]).with_suffix(".json"),
            settings,
            inputs=job.input.results,
            outputs=outputs,
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0], f"sizes of {snakemake.wildcards.task}"):
        main(snakemake)
