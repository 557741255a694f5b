"""Rows of tables of runs: numbers over the seeds, and these as text beside the paper's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from deltaloss.core.runs import LOSSES, Run, weights_seed
from deltaloss.evidence.formats import NONE, Format, align
from deltaloss.evidence.paired import SIGNIFICANCE
from deltaloss.evidence.paper import OWN_SCALE
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.typeset import OURS, PAPER, Block, text_frame
from deltaloss.puzzles.card import load_card

Results = Sequence[RunResults[pd.DataFrame]]
Summaries = Mapping[str, Mapping[str, Any]]  # puzzle -> `TaskConfig.summary`
Numbers = Mapping[str, float | None]
InPaper = Mapping[tuple[str, str], object]  # puzzle and run -> a row of the paper


@dataclass(frozen=True, kw_only=True)
class Row:
    """A run on a puzzle.

    Attributes:
        task: the puzzle.
        run: the run.
        labels: text by which the printed table names it, by column.
        numbers: see `spread`; with `seeds`, and p values as ``{name}_p_value``.
        released: whether others trained the weights.
    """

    task: str
    run: Run
    labels: Mapping[str, str]
    numbers: Numbers
    released: bool = False


@dataclass(frozen=True)
class Column:
    """A quantity in a printed table.

    Attributes:
        name: of its number, and of the paper's value.
        heading: with a line break where it is long.
        show: format of one value.
        in_paper: whether the paper prints it.
        best: which value of a puzzle is in bold.
        of_seeds: whether it is a number of seeds, printed as "9 of 10".
        mark: behind a value whose p value is below `SIGNIFICANCE`.
    """

    name: str
    heading: str
    show: Format
    in_paper: bool = False
    best: Literal["highest", "lowest"] | None = None
    of_seeds: bool = False
    mark: str = ""


def names(run: Run) -> dict[str, object]:
    """Columns of the CSV that name a run, with its parameter; alpha, the paper's, always stands."""
    parameter = LOSSES[run.loss]
    named = {} if parameter is None else {parameter.name: run.value}
    return {"run": run.name, "loss": run.loss, "alpha": None, **named}


def alpha(run: Run) -> float | None:
    """Return the run's alpha; None for a loss without it."""
    parameter = LOSSES[run.loss]
    return run.value if parameter is not None and parameter.name == "alpha" else None


def spread(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """Return the median of some seeds, as `name`, and the range; None where there is no seed."""
    if not values:
        return dict.fromkeys((name, f"{name}_min", f"{name}_max"))
    return {name: float(np.median(values)), f"{name}_min": min(values), f"{name}_max": max(values)}


def of_paper(
    in_paper: InPaper, task: str, run: Run, wanted: Sequence[str]
) -> dict[str, float | None]:
    """Return the paper's values as numbers, ``{name}_paper``; None where it has none."""
    row = in_paper.get((task, run.name))
    values = {name: getattr(row, name, None) for name in wanted}
    return {f"{name}_paper": None if one is None else float(one) for name, one in values.items()}


def describe_seeds(results: Results) -> str:
    """Name the seeds of the runs, puzzle by puzzle where they differ."""
    by_task = {result.task: _seeds(list(result.by_weights)) for result in results}
    if len(set(by_task.values())) == 1:
        return by_task[results[0].task]
    return ", ".join(f"{load_card(task).title}: {seeds}" for task, seeds in by_task.items())


def _seeds(weights: Sequence[str]) -> str:
    seeds = [seed for name in weights if (seed := weights_seed(name)) is not None]
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def make_block(
    rows: Sequence[Row],
    columns: Sequence[Column],
    in_paper: InPaper,
    *,
    beside: Collection[str] = (),
    title: str = "",
) -> Block:
    """Print our rows.

    Args:
        rows: of one or several puzzles.
        columns: in their order.
        in_paper: the paper's values.
        beside: puzzles for which the paper's values stand beside ours; none leaves them out.
        title: of the block.
    """
    texts = {("", name): [row.labels[name] for row in rows] for name in rows[0].labels}
    for column in columns:
        ours = _our_texts(rows, column)
        if beside and column.in_paper:
            paper_rows = [in_paper.get(_key(row)) if row.task in beside else None for row in rows]
            texts[column.heading, OURS] = ours
            texts[column.heading, PAPER] = _paper_texts(paper_rows, column)
        else:
            texts["", column.heading] = ours
    return Block(printed=text_frame(texts), title=title, labels=len(rows[0].labels))


def paper_block(
    labels: Sequence[Mapping[str, str]], values: Sequence[object], columns: Sequence[Column]
) -> Block:
    """Print rows of the paper by themselves."""
    texts = {("", name): [row[name] for row in labels] for name in labels[0]}
    for column in columns:
        if column.in_paper:
            texts["", column.heading] = _paper_texts(values, column)
    return Block(printed=text_frame(texts), title=OWN_SCALE, labels=len(labels[0]))


def _our_texts(rows: Sequence[Row], column: Column) -> list[str]:
    bold = _best(rows, column)
    return [_our_text(row.numbers, column, bold=place in bold) for place, row in enumerate(rows)]


def _our_text(numbers: Numbers, column: Column, *, bold: bool) -> str:
    """Text of a number: in bold, with a mark of significance, above its interval or range."""
    name, show = column.name, column.show
    value = numbers[name]
    if value is None:
        return NONE
    seeds = int(numbers["seeds"] or 0)
    text = show(value) + (f" of {seeds}" if column.of_seeds else "")
    text = f"**{text}**" if bold else text
    p_value = numbers.get(f"{name}_p_value")
    text += column.mark if p_value is not None and p_value < SIGNIFICANCE else ""
    ends = ("min", "max") if seeds > 1 else ("low", "high")
    low, high = (numbers.get(f"{name}_{end}") for end in ends)
    return text if low is None or high is None else f"{text}\n({show(low)}–{show(high)})"


def _best(rows: Sequence[Row], column: Column) -> set[int]:
    """Places of the rows with the best value of their puzzle, unless all are equal."""
    best: set[int] = set()
    for task in {row.task for row in rows} if column.best else ():
        shown = {
            place: float(column.show(value))
            for place, row in enumerate(rows)
            if row.task == task and (value := row.numbers[column.name]) is not None
        }
        values = shown.values()
        if len(set(values)) > 1:
            wanted = max(values) if column.best == "highest" else min(values)
            best |= {place for place, value in shown.items() if value == wanted}
    return best


def _paper_texts(rows: Sequence[object], column: Column) -> list[str]:
    return align([str(getattr(row, column.name, NONE)) for row in rows])


def _key(row: Row) -> tuple[str, str]:
    return row.task, row.run.name
