"""Tables of published results, as lines of Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, product
from pathlib import Path

import pandas as pd

from docs.keys import ROOT  # also makes the library importable

from deltaloss.core.runs import parse_run  # isort: skip
from deltaloss.evidence.contradictions import CONTRADICTIONS  # isort: skip
from deltaloss.evidence.judges import COLLAPSED, followed_seeds  # isort: skip

PUBLISHED = ROOT / "results" / "published"

SWEEP, LOSSES = "alpha-sweep", "losses"
CONDITIONS = {  # docs/protocol.md
    "collapse": "none changed",
    "collapse-decay": "weight decay 0.0002",
    "collapse-steps": "T = 10 instead of 20",
    "collapse-width": "width 24 instead of 48",
    "collapse-epochs": "36 epochs instead of 12",
}
FUTURE = {LOSSES: "", "losses-10": "T = 10", "mixing": "past states mixed"}
"""Experiments about the paper's future work, with what distinguishes all their runs."""

COSTS = {  # measures of efficiency/*.csv
    "seconds": "time",
    "kept_mb": "memory kept for the gradient",
    "gpu_peak_mb": "peak of memory",
    "largest_batch_8gb_measured": "largest batch in 8 GB",
}
PUZZLES = {"prefix_sums": "prefix sums", "mazes": "mazes", "chess": "chess"}
TABLES = {"chess": 5, "mazes": 6, "prefix_sums": 7}

NOT_RUN = "not run"


def accuracies(experiment: str, place: int = 0) -> list[str]:
    """Lines of an experiment's tables 5-7, of the puzzles that are published, as one table.

    Args:
        experiment: its name.
        place: of the wanted part of each table: 1, where both are kept, for last epochs.
    """
    rows: list[list[str]] = []
    for task, number in TABLES.items():
        path = PUBLISHED / experiment / "tables" / f"table_{number}.md"
        if not path.is_file():
            continue
        head, align, *body = _printed_table(path, place)
        rows += [[PUZZLES[task], *row] for row in body]
    heads, align = ["puzzle", *map(str.lower, head)], [":--", *align]
    several = len({row[0] for row in rows}) > 1  # else the text around names the puzzle
    shown = slice(0 if several else 1, None)
    return table(heads[shown], [row[shown] for row in rows], align[shown])


def analysis(experiment: str, name: str, place: int = 0) -> list[str]:
    """Lines of one table of an analysis, such as convergence, as it was published."""
    head, align, *body = _printed_table(PUBLISHED / experiment / "tables" / f"{name}.md", place)
    return table(list(map(str.lower, head)), body, align)


def costs(experiment: str) -> list[str]:
    """Lines of a table: what progressive runs cost, as a multiple of delta in the same form."""
    rows = []
    for task, puzzle in PUZZLES.items():
        path = PUBLISHED / experiment / "efficiency" / f"{task}.csv"
        if not path.is_file():
            continue
        measured = pd.read_csv(path).set_index(["run", "form", "measure"])
        forms = measured.index.unique("form")
        ratios = measured[["to_delta", "to_delta_low", "to_delta_high"]]
        for run, form in product(measured.index.unique("run").drop("delta"), forms):
            cells = []
            for measure in COSTS:
                value, low, high = ratios.loc[(run, form, measure)]
                interval = "" if pd.isna(low) else f" ({low:.2f}–{high:.2f})"
                cells.append(f"{value:.2f}{interval}")
            rows.append([f"{puzzle}, {parse_run(run).label}", form, *cells])
    return table(["puzzle and run", "form", *COSTS.values()], rows)


def future() -> list[str]:
    """Lines of a table: the paper's future work, with costs as multiples of its Delta Loss."""
    heads: list[str] = []
    rows: list[list[str]] = []
    base: dict[str, float] = {}
    for experiment, difference in FUTURE.items():
        folder = PUBLISHED / experiment
        heads, _, *body = _printed_table(folder / "tables" / "table_7.md")
        runs = pd.read_csv(folder / "tables" / "table_7.csv")["run"]
        costs = pd.read_csv(folder / "efficiency" / "prefix_sums.csv")
        costs = costs[costs["form"] == "ours"].pivot_table("value", "run", "measure")
        base = base or costs.loc["delta"].to_dict()
        for run, printed in zip(runs, body, strict=True):
            label = ", ".join(filter(None, [parse_run(run).label, difference]))
            cells = (f"{costs.at[run, name] / base[name]:.2f}" for name in ("seconds", "kept_mb"))
            rows.append([label, *printed[2:], *cells])
    heads = ["loss", *map(str.lower, heads[2:]), "time", "memory"]
    return table(heads, rows, [":--", *["--:"] * (len(heads) - 1)])


def _printed_table(path: Path, place: int = 0) -> list[list[str]]:
    """Cells of each line of one table in a Markdown file, the rule below the heads among them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    groups = groupby(lines, key=lambda line: line.startswith("|"))
    return [list(map(_split, group)) for is_table, group in groups if is_table][place]


def collapse() -> list[str]:
    """Lines of a table: what α = 0 keeps at the last step, under each condition."""
    rows = []
    for experiment, condition in CONDITIONS.items():
        path = PUBLISHED / experiment / "statistics" / "seeds_prefix_sums.csv"
        if not path.is_file():
            rows.append([condition, *[NOT_RUN] * 3])
            continue
        seeds = pd.read_csv(path, index_col="seed").sort_index()
        best, last = (seeds[seeds["comparison"] == which] for which in ("maximum", "last"))
        most, end = best["accuracy_percent"], last["accuracy_percent"]
        _, counted = followed_seeds(best, last)
        rows.append(
            [
                condition,
                f"{int(best['solved'].sum())} of {len(best)}",
                f"{int((end < COLLAPSED * most)[counted].sum())} of {int(counted.sum())}",
                ", ".join(f"{m:g} / {e:g}" for m, e in zip(most, end, strict=True)),
            ]
        )
    heads = ["condition", "solved", "collapsed", "maximum / last step of each seed (%)"]
    return table(heads, rows)


def contradictions() -> list[str]:
    """Lines of a table: where the paper contradicts itself, its code or its data."""
    rows = [[one.what, one.says, one.but, one.here] for one in CONTRADICTIONS]
    return table(["topic", "the paper says", "but", "here"], rows)


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str] = ()
) -> list[str]:
    """Lines of a table; `align` are the marks below its heads."""
    rule = [re.sub("-+", "--", mark) for mark in align] or ["---"] * len(heads)
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]
