"""Summarize convergence, stopping or recovery: a statistic of every seed, a table over seeds."""

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from deltaloss.core.files import write_csv
from deltaloss.core.log import job_log
from deltaloss.evidence.convergence import summarize_convergence, tabulate_convergence
from deltaloss.evidence.provenance import load_table, read_runs, save_provenance
from deltaloss.evidence.recovery import summarize_recovery, tabulate_recovery
from deltaloss.evidence.stopping import summarize_stops, tabulate_stopping
from deltaloss.evidence.typeset import Table, save_table

KINDS: dict[str, tuple[tuple[str, ...], Callable[..., pd.DataFrame], Callable[..., Table]]] = {
    # inputs, the statistic of them, the table of the statistic
    "convergence": (("steps", "examples"), summarize_convergence, tabulate_convergence),
    "stopping": (("steps", "examples"), summarize_stops, tabulate_stopping),
    "recovery": (("examples",), summarize_recovery, tabulate_recovery),
}


def main(job: Any) -> None:
    """Write the statistic, the table in every format, and their provenance."""
    settings = job.params.job
    parts, summarize, tabulate = KINDS[settings["kind"]]
    inputs = [getattr(job.input, part) for part in parts]
    summary = summarize(*(read_runs(map(Path, paths), load_table) for paths in inputs))
    write_csv(Path(job.output.statistic), summary)
    table = tabulate(summary, experiment=settings["experiment"])
    save_table(table, [Path(path) for path in job.output.tables])
    for outputs in ([job.output.statistic], job.output.tables):
        save_provenance(
            Path(outputs[0]).with_suffix(".json"),
            settings,
            inputs=chain.from_iterable(inputs),
            outputs=outputs,
        )


if __name__ == "__main__":
    with job_log(snakemake.log[0], snakemake.params.job["kind"]):
        main(snakemake)
