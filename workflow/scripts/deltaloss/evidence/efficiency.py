"""Table of time and memory: the losses in every form, beside the Delta Loss in the same form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import pandas as pd

from deltaloss.core.runs import parse_run
from deltaloss.evidence import paper
from deltaloss.evidence.formats import NONE
from deltaloss.evidence.typeset import Block, Table, text_frame
from deltaloss.puzzles.card import load_card

# Measures that are printed, where they were measured: heading, digits, and the ratios beside them.
_TIME = {"seconds": ("Seconds per batch", 3, ("to_delta", "to_published"))}
_MEMORY = {
    "kept_mb": ("Kept (MB)", 1, ("to_delta",)),
    "gpu_peak_mb": ("GPU peak (MB)", 1, ("to_delta",)),
    "largest_batch_8gb_predicted": ("Largest, predicted", 0, ("to_delta",)),
    "largest_batch_8gb_measured": ("Largest, measured", 0, ("to_delta",)),
}
_RATIOS = {"to_delta": "ratio", "to_published": "to published"}
_NAMES = ["task", "run", "form"]
Json = Mapping[Any, Any]
Measure = tuple[str, int, tuple[str, ...]]


def tabulate_efficiency(measured: Sequence[pd.DataFrame], *, experiment: str) -> Table:
    """Make the table from the measurements of all puzzles, one printed row per loss and form."""
    numbers = pd.concat(measured, ignore_index=True)
    sizes = ", ".join(
        f"{load_card(str(task)).title} {size}"
        for task, size in numbers.groupby("task", sort=False)["batch_size"].first().items()
    )
    return Table(
        caption=f"Time and memory of one training batch, experiment {experiment}.",
        notes=(
            f"Loss and gradient; examples per batch: {sizes}. Published: as the released code "
            "computes them; described: as the paper's text does; ours: this engine, the only form "
            "of losses and networks that are not the paper's. Ratio: to the Delta Loss in the same "
            "form; to published: to the same loss as published; ± is the 95 % interval of the mean "
            "over the random draws of the losses. Kept: for the backward pass. "
            "Largest: batch in 8 GB, for the longest draw. "
            f"{paper.COSTS}"
        ),
        numbers=numbers,
        blocks=[
            Block(printed=_print(numbers, measures), labels=len(_NAMES), title=title)
            for title, measures in (("Time", _TIME), ("Memory", _MEMORY))
        ],
    )


def _print(numbers: pd.DataFrame, measures: Mapping[str, Measure]) -> pd.DataFrame:
    """Text of some measures of each loss in each form."""
    rows: dict[tuple[str, str, str], dict[str, Json]] = {}
    for row in numbers.to_dict("records"):
        task, run, form = (str(row[name]) for name in _NAMES)
        rows.setdefault((task, run, form), {})[str(row["measure"])] = row
    columns = {
        ("", "Puzzle"): [load_card(task).title for task, _, _ in rows],
        ("", "Loss"): [parse_run(run).label for _, run, _ in rows],
        ("", "Form"): [form for _, _, form in rows],
    }
    for measure, (heading, digits, ratios) in measures.items():
        values = [row.get(measure) for row in rows.values()]
        if not any(values):
            continue
        columns[heading, ""] = [f"{row['value']:,.{digits}f}" if row else NONE for row in values]
        for name in ratios:
            columns[heading, _RATIOS[name]] = [_ratio(row, name) for row in values]
    return text_frame(columns)


def _ratio(row: Json | None, name: str) -> str:
    """Ratio with half its interval below it, unless there is none or it is without width."""
    if row is None or isnan(row[name]):
        return NONE
    reach = (row[f"{name}_high"] - row[f"{name}_low"]) / 2
    return f"{row[name]:.2f}" + (f"\n± {reach:.2f}" if reach > 0 else "")
