"""Compare rules that stop a network: a statistic of every seed, and a table over seeds."""

from pathlib import Path
from typing import Any

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evidence.provenance import load_table, read_runs, save_provenance
from deltaloss.evidence.stopping import summarize_stops, tabulate_stopping
from deltaloss.evidence.typeset import save_table


def main(job: Any) -> None:
    """Write the statistic, the table in every format, and their provenance."""
    steps, examples = (
        read_runs(map(Path, paths), load_table) for paths in (job.input.steps, job.input.examples)
    )
    summary = summarize_stops(steps, examples)
    write_csv(Path(job.output.statistic), summary)
    table = tabulate_stopping(summary, experiment=job.params.job["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    for outputs in ([job.output.statistic], job.output.tables):
        save_provenance(
            Path(outputs[0]).with_suffix(".json"),
            job.params.job,
            inputs=[*job.input.steps, *job.input.examples],
            outputs=outputs,
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0], "stopping"):
        main(snakemake)
