"""What came out of a run, in the terminal: the tables in short, and where everything lies."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from deltaloss.core.runs import parse_run
from deltaloss.puzzles.card import Card

SHOWN = {  # below the folder of an experiment
    "figure 1": "figures/figure_1.png",
    "tables": "tables/table_2.html",
    "claims": "claims.html",
    "costs": "tables/efficiency.html",
}


def closing_lines(folder: Path, cards: Mapping[str, Card], configs: Sequence[Path]) -> list[str]:
    """Say what has been made, of all that an experiment makes.

    Args:
        folder: results of the experiment.
        cards: those of its puzzles.
        configs: files behind ``--configfile``.
    """
    lines = []
    for card in cards.values():
        table = folder / "tables" / f"table_{card.table}.csv"
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as file:
                rows = [_in_short(row) for row in csv.DictReader(file)]
            titles = [card.title, *[""] * (len(rows) - 1)]
            lines += [f"{title:12} {row}" for title, row in zip(titles, rows, strict=True)]
    made = {what: folder / name for what, name in SHOWN.items() if (folder / name).is_file()}
    lines += [f"{what:12} {path}" for what, path in made.items()]
    if "figure 1" in made:
        overlay = " ".join(["", "--configfile", *map(str, configs)]) if configs else ""
        lines.append(f"report       snakemake --report {folder / 'report.html'}{overlay}")
    return lines


def _in_short(row: Mapping[str, str]) -> str:
    """Accuracy and steps of a row of tables 5-7: "Delta   98.0 % after 41 steps"."""
    label, accuracy = parse_run(row["run"]).label, float(row["max_accuracy_percent"])
    steps = row["steps_until_max_accuracy"]
    after = f" after {float(steps):g} steps" if steps else ""
    solved = f", solved: {row['solved']} of {row['seeds']}" if row["seeds"] != "1" else ""
    return f"{label:28} {accuracy:5.1f} %{after}{solved}"
