"""Tables whose columns are kinds of a measurement, such as rules that stop a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from deltaloss.core.runs import parse_run
from deltaloss.evidence.formats import Format
from deltaloss.evidence.rows import Column, Row, make_block, names, spread
from deltaloss.evidence.typeset import Table
from deltaloss.puzzles.card import load_card

Measures = Mapping[str, tuple[str, Callable[[int], Format]]]
"""By their columns: what they are called, and their format for a number of examples."""


def tabulate_kinds(
    summary: pd.DataFrame,
    *,
    kind: str,
    headings: Mapping[str, str],
    measures: Measures,
    caption: str,
    notes: str,
) -> Table:
    """Make a table: for each puzzle a block of each measure, with one row per run.

    Args:
        summary: one row per puzzle, run, seed and kind, with `examples` and the measures.
        kind: its column that names the kind.
        headings: of the printed columns, by kind.
        measures: of the blocks.
        caption: of the table.
        notes: below it.
    """
    blocks = []
    for task, of_task in summary.groupby("task", sort=False):
        title, examples = load_card(str(task)).title, int(of_task["examples"].max())
        for measure, (what, show) in measures.items():
            rows = [
                _row(str(task), str(run), of_run, kind, measure)
                for run, of_run in of_task.groupby("run", sort=False)
            ]
            columns = [Column(name, head, show(examples)) for name, head in headings.items()]
            blocks.append(make_block(rows, columns, {}, title=f"{title}: {what}"))
    numbers = []
    for (puzzle, run, name), seeds in summary.groupby(["task", "run", kind], sort=False):
        row = {"task": puzzle, **names(parse_run(str(run))), kind: name, "seeds": len(seeds)}
        for measure in measures:
            row |= _spread(measure, seeds[measure])
        numbers.append(row)
    return Table(caption=caption, notes=notes, numbers=pd.DataFrame(numbers), blocks=blocks)


def _row(task: str, run: str, of_run: pd.DataFrame, kind: str, measure: str) -> Row:
    numbers: dict[str, float | None] = {"seeds": of_run["seed"].nunique()}
    for name, seeds in of_run.groupby(kind, sort=False):
        numbers |= _spread(str(name), seeds[measure])
    parsed = parse_run(run)
    return Row(task=task, run=parsed, labels={"Loss": parsed.label}, numbers=numbers)


def _spread(name: str, values: pd.Series) -> dict[str, float | None]:
    """Median and range of the seeds that have a value."""
    return spread(name, list(values.dropna()))
