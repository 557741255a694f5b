"""Table 4: accuracies in training and validation, the best epoch, and times."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from deltaloss.core.runs import Run, parse_run
from deltaloss.evidence import paper
from deltaloss.evidence.formats import duration, percent, whole
from deltaloss.evidence.rows import (
    Column,
    Results,
    Row,
    Summaries,
    describe_seeds,
    make_block,
    names,
    of_paper,
    paper_block,
    spread,
)
from deltaloss.evidence.statistics import (
    at_end,
    best_epoch,
    ended_finite,
    hours_per_epoch,
    hours_to_best,
    max_validation,
)
from deltaloss.evidence.typeset import Block, Table
from deltaloss.puzzles.card import load_card

MEASURES = {
    "final_train_accuracy_percent": at_end("train_accuracy_percent"),
    "max_validation_accuracy_percent": max_validation,
    "epoch_of_max_validation": best_epoch,
    "epochs": at_end("epoch"),
    "hours_per_epoch": hours_per_epoch,
    "hours_to_max_validation": hours_to_best,
}


def tabulate_training(results: Results, *, experiment: str, summaries: Summaries) -> Table:
    """Make table 4.

    As in the paper, the plotted runs come first, loss by loss; the others follow.

    Args:
        results: training histories of the runs of all puzzles.
        experiment: its name.
        summaries: of the puzzles.
    """
    losses = list(dict.fromkeys(result.run.loss for result in results))
    ordered = sorted(
        results,
        key=lambda one: (
            one.run.name not in summaries[one.task]["plotted"],
            losses.index(one.run.loss),
        ),
    )
    rows = []
    for result in ordered:
        frames, task, run = list(result.by_weights.values()), result.task, result.run
        numbers: dict[str, float | None] = {"seeds": len(frames)}
        numbers["not_finite_seeds"] = sum(not ended_finite(frame) for frame in frames)
        for name, measure in MEASURES.items():
            numbers |= spread(name, [measure(frame) for frame in frames])
        numbers |= of_paper(paper.TRAINING, task, run, tuple(MEASURES))
        rows.append(Row(task=task, run=run, labels=_labels(task, run), numbers=numbers))
    broken = sum(int(row.numbers["not_finite_seeds"] or 0) for row in rows)
    several = any(len(result.by_weights) > 1 for result in results)
    spreads = "Medians over the seeds; below them the lowest and the highest value. "
    return Table(
        caption="Training: accuracies, the epoch of the selected weights, and times.",
        notes=(
            f"Experiment {experiment}, {describe_seeds(results)}. {spreads if several else ''}"
            "Training accuracy is that of the last epoch, each batch before its own update; an "
            "epoch's time is training and validation together, in the paper on one GTX 1070. Bold: "
            "the best of each puzzle, unless all are equal. Trainings that ended because weights "
            f"were not finite: {broken}."
        ),
        numbers=pd.DataFrame([{**names(row.run), "task": row.task, **row.numbers} for row in rows]),
        blocks=_blocks(rows, summaries),
    )


def _blocks(rows: Sequence[Row], summaries: Summaries) -> list[Block]:
    """Our rows, in two parts, and the paper's that do not stand beside."""
    tasks = list(summaries)
    beside = [task for task in tasks if paper.same_scale(task, summaries[task])]
    columns = _columns(rows, unit="h" if beside else None)
    parts = (columns[:4], columns[4:])  # side by side they are too wide
    blocks = [make_block(rows, part, paper.TRAINING, beside=beside) for part in parts]
    keys = [key for key in paper.TRAINING if key[0] in tasks and key[0] not in beside]
    if keys:
        labels = [_labels(task, parse_run(run)) for task, run in keys]
        printed = _columns([], unit="h")
        blocks.append(paper_block(labels, [paper.TRAINING[key] for key in keys], printed))
    return blocks


def _columns(rows: Sequence[Row], *, unit: str | None) -> list[Column]:
    accuracy = percent(1000)
    return [
        Column(
            "final_train_accuracy_percent",
            "Final\ntraining\naccuracy (%)",
            accuracy,
            in_paper=True,
            best="highest",
        ),
        Column(
            "max_validation_accuracy_percent",
            "Max\nvalidation\naccuracy (%)",
            accuracy,
            in_paper=True,
            best="highest",
        ),
        Column("epoch_of_max_validation", "Epoch\nwith max\nvalidation", whole, in_paper=True),
        Column("epochs", "Epochs\ntrained", whole),
        _time("hours_per_epoch", "Time per\nepoch", rows, unit),
        _time("hours_to_max_validation", "Time to\nthat epoch", rows, unit),
    ]


def _time(name: str, heading: str, rows: Sequence[Row], unit: str | None) -> Column:
    """Describe a column of times; with no unit given, the one that suits them."""
    times = [row.numbers[f"{name}_min"] for row in rows]
    show, unit = duration([time for time in times if time is not None], unit=unit)
    return Column(name, f"{heading}\n({unit})", show, in_paper=True, best="lowest")


def _labels(task: str, run: Run) -> dict[str, str]:
    return {"Loss": run.label, "Task": load_card(task).title}
