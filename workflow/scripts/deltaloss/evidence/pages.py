"""Pages of the report: settings, data cards and statistics as tables for reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from deltaloss.config.published import flatten
from deltaloss.core.runs import parse_run
from deltaloss.evidence.formats import NONE
from deltaloss.evidence.typeset import Block, Table, text_frame
from deltaloss.puzzles.card import load_card

Json = Mapping[str, Any]

STATISTICS = {
    "seeds": "Every seed of every run: accuracies with Wilson's 95 % intervals, at four steps.",
    "over_seeds": "Every two runs of a puzzle over their common seeds, at four steps.",
    "mcnemar": "McNemar's test between every two runs of a puzzle, seed by seed, at four steps.",
    "untrained": "Accuracies of the networks before training, after the steps of training.",
}
"""Files of `statistics/` that become pages, and what they hold."""

RUNS = ("run", "first", "second")  # columns with names of runs
LONG = 4  # lists of more entries are left out of cards


def statistic_page(name: str, numbers: pd.DataFrame) -> Table:
    """Make a page of a file of statistics, one block per puzzle.

    Args:
        name: of `STATISTICS`.
        numbers: its rows, as they are in the file.
    """
    blocks = []
    for task, rows in numbers.groupby("task", sort=False):
        columns = {
            ("", str(column).replace("_", " ")): [_text(column, cell) for cell in rows[column]]
            for column in rows.columns
            if column != "task"
        }
        title = load_card(str(task)).title
        blocks.append(Block(printed=text_frame(columns), labels=2, title=title))
    return Table(
        caption=STATISTICS[name],
        notes=f"Full precision: statistics/{name}.csv. docs/results.md explains the columns.",
        numbers=numbers,
        blocks=blocks,
    )


def _text(column: object, cell: Any) -> str:
    if column in RUNS:
        return parse_run(str(cell)).label
    if pd.isna(cell):
        return NONE
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def settings_page(settings: Json) -> Table:
    """Make a page of `Experiment.page_settings`, one block per puzzle."""
    titles = {task: load_card(task).title for task in settings["tasks"]}
    common = flatten(
        {key: value for key, value in settings.items() if key not in ("code", "tasks")}
    )
    return _card_page(
        {"": common} | {titles[task]: flatten(one) for task, one in settings["tasks"].items()},
        caption="The settings of this experiment that decide its results.",
        notes="docs/configuration.md explains the keys.",
    )


def data_page(audits: Mapping[str, Json]) -> Table:
    """Make a page of the puzzles' data, one block each: sources, counts, findings of the audit.

    Args:
        audits: puzzle -> `data/{task}.json`.
    """
    cards = {}
    for task, audit in audits.items():
        kept = {
            key: value
            for key, value in flatten(audit).items()
            if ".card." not in key and not (isinstance(value, list) and len(value) > LONG)
        }
        cards[load_card(task).title] = kept
    return _card_page(
        cards,
        caption="The examples of each puzzle, and what their audit found.",
        notes="docs/data.md explains sources, checks and findings.",
    )


def _card_page(cards: Mapping[str, Json], *, caption: str, notes: str) -> Table:
    """Make a page whose blocks have a key and its value in each row."""
    cards = {
        title: {key: _plain(value) for key, value in card.items()} for title, card in cards.items()
    }
    rows = [(title, key, value) for title, card in cards.items() for key, value in card.items()]
    numbers = pd.DataFrame(rows, columns=["card", "key", "value"])
    blocks = [
        Block(
            printed=text_frame({("", "key"): list(card), ("", "value"): list(card.values())}),
            labels=2,
            title=title,
        )
        for title, card in cards.items()
    ]
    return Table(caption=caption, notes=notes, numbers=numbers, blocks=blocks)


def _plain(value: Any) -> str:
    """Value of a key in words."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(_plain, value)) if isinstance(value, (list, tuple)) else str(value)
