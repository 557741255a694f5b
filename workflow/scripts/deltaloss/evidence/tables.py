"""Tables of an experiment, from the files that they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deltaloss.data.audit import load_report
from deltaloss.evaluation.answers import load_curve
from deltaloss.evidence.accuracy_table import tabulate_accuracy
from deltaloss.evidence.data_table import tabulate_data
from deltaloss.evidence.provenance import load_table, read_runs
from deltaloss.evidence.training_table import tabulate_training
from deltaloss.evidence.typeset import Table
from deltaloss.training.history import load_history


def make_table(
    kind: str, paths: Iterable[Path], settings: Mapping[str, Any], tests: Iterable[Path] = ()
) -> Table:
    """Read a table's inputs and make it.

    Args:
        kind: "data", "training" or "accuracy".
        paths: audit reports, training histories, or answers of one puzzle.
        settings: keyword arguments of `tabulate_data`, `tabulate_training`, `tabulate_accuracy`.
        tests: for accuracies, the puzzle's files of `compare_runs` and `compare_over_seeds`.

    Raises:
        DataError: a file is missing or damaged.
    """
    if kind == "data":
        return tabulate_data([load_report(path) for path in paths], **settings)
    if kind == "training":
        return tabulate_training(read_runs(paths, load_history), **settings)
    frames = [load_table(path) for path in tests]
    return tabulate_accuracy(read_runs(paths, load_curve), tests=frames, **settings)
