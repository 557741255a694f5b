"""Summarize convergence or recovery: a statistic of every seed, and a table over seeds."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evidence.convergence import summarize_convergence, tabulate_convergence
from deltaloss.evidence.provenance import load_table, read_runs, save_provenance
from deltaloss.evidence.recovery import summarize_recovery, tabulate_recovery
from deltaloss.evidence.typeset import save_table

KINDS = {
    "convergence": (summarize_convergence, tabulate_convergence),
    "recovery": (summarize_recovery, tabulate_recovery),
}


def main(job: Any) -> None:
    """Write the statistic, the table in every format, and their provenance."""
    settings = job.params.job
    summarize, tabulate = KINDS[settings["kind"]]
    summary = summarize(read_runs(map(Path, job.input.results), load_table))
    write_csv(Path(job.output.statistic), summary)
    table = tabulate(summary, experiment=settings["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    for outputs in ([job.output.statistic], job.output.tables):
        save_provenance(
            Path(outputs[0]).with_suffix(".json"),
            settings,
            inputs=job.input.results,
            outputs=outputs,
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0], snakemake.params.job["kind"]):
        main(snakemake)
