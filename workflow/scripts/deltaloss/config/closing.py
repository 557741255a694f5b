"""Last lines of a run in the terminal: tables in short and where files lie, or why it failed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from deltaloss.config.costs import in_words
from deltaloss.core.runs import parse_run
from deltaloss.puzzles.card import Card

SHOWN = {  # below the folder of an experiment
    "figure 1": "figures/figure_1.png",
    "tables": "tables/table_2.html",
    "claims": "claims.html",
    "costs": "tables/efficiency.html",
}

CAUSES = {  # texts of the operating system -> what they mean and what to do
    r"<Signals\.SIGKILL: 9>|exit status 137": (
        "a job was killed, as Linux does when memory runs out: let fewer jobs run at a time "
        "(--cores), or make it need less (recompute, batch_size)"
    ),
    "No space left on device|Disk quota exceeded": "the disk is full: free some space",
    "Read-only file system|Permission denied": (
        "a file cannot be written or read: change permissions, or run in another folder "
        "(snakemake --directory)"
    ),
}


def closing_lines(
    folder: Path, cards: Mapping[str, Card], configs: Sequence[Path], *, seconds: float
) -> list[str]:
    """Say what has been made, of all that an experiment makes.

    Args:
        folder: results of the experiment.
        cards: those of its puzzles.
        configs: files behind ``--configfile``.
        seconds: that the run has taken.
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
    return [*lines, f"took         {in_words(seconds)}"] if lines else []


def _in_short(row: Mapping[str, str]) -> str:
    """Accuracy and steps of a row of tables 5-7: "Delta   98.0 % after 41 steps"."""
    label, accuracy = parse_run(row["run"]).label, float(row["max_accuracy_percent"])
    steps = row["steps_until_max_accuracy"]
    after = f" after {float(steps):g} steps" if steps else ""
    solved = f", solved: {row['solved']} of {row['seeds']}" if row["seeds"] != "1" else ""
    return f"{label:28} {accuracy:5.1f} %{after}{solved}"


def failure_lines(files: Iterable[Path], logs: Iterable[Path]) -> list[str]:
    """Say what to do after a failure, and its cause where that is the operating system.

    Args:
        files: logs of Snakemake.
        logs: those of failed jobs.
    """
    said = {path: _read(path) for path in logs}
    text = "\n".join(map(_read, files))
    lines = []
    for pattern, meaning in CAUSES.items():
        where = [f"{path}: " for path, one in said.items() if re.search(pattern, one)]
        if where or re.search(pattern, text):
            lines.append(f"{''.join(where[:1])}{meaning}")
    return [
        *lines,
        "Correct that and start the same command again: what is finished is kept, and a training "
        "resumes.",
    ]


def _read(path: Path) -> str:
    """Text of a log; empty if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
