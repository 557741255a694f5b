"""Tables 4-7: the paper's columns in the paper's order, ours beside the paper's printed values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaloss import paper
from deltaloss.gathering import RunFiles
from deltaloss.runs import Run, write_alpha
from deltaloss.titles import TITLES
from deltaloss.typeset import PAPER, Table

SECONDS_PER_HOUR = 3600.0
SIGNIFICANT = 3  # digits of an hour


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """All seeds of one run: accuracy curves (`Evaluation.curve`) or training histories."""

    task: str
    run: Run
    plotted: bool
    by_seed: Mapping[int, pd.DataFrame]

    @property
    def title(self) -> str:
        """The puzzle's name as printed."""
        return TITLES[self.task]


def read_results(
    files: Sequence[RunFiles], load: Callable[[Path], pd.DataFrame]
) -> list[RunResults]:
    """Read the curves or histories of runs."""
    return [
        RunResults(
            task=one.task,
            run=one.run,
            plotted=one.plotted,
            by_seed={seed: load(path) for seed, path in one.by_seed.items()},
        )
        for one in files
    ]


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A number of the paper's table: how we get it from one seed, how it is printed."""

    name: str
    heading: str
    of: Callable[[pd.DataFrame], float]
    show: Callable[[float], str]
    in_paper: bool = True


def _best(curve: pd.DataFrame, column: str) -> float:
    """Give a column at the first step of the highest accuracy."""
    return float(curve[column].iloc[int(curve["correct"].argmax())])


def _best_epoch(history: pd.DataFrame) -> int:
    """Give the row of the first epoch of the highest validation accuracy."""
    return int(history["validation_accuracy_percent"].argmax())


def _hours_per_epoch(history: pd.DataFrame) -> float:
    seconds = history["train_seconds"] + history["validation_seconds"]
    return float(seconds.mean()) / SECONDS_PER_HOUR


def _hours_to_best(history: pd.DataFrame) -> float:
    seconds = (history["train_seconds"] + history["validation_seconds"]).cumsum()
    return float(seconds.iloc[_best_epoch(history)]) / SECONDS_PER_HOUR


def _whole(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def _percent(value: float) -> str:
    return f"{value:.2f}"


def _hours(value: float) -> str:
    """Write `SIGNIFICANT` digits, never as a power of ten."""
    if value <= 0:
        return "0"
    decimals = max(0, SIGNIFICANT - 1 - math.floor(math.log10(value)))
    return f"{value:.{decimals}f}"


_ACCURACY_COLUMNS = (
    _Column(
        name="steps_until_max_accuracy",
        heading="Steps until max accuracy",
        of=lambda curve: _best(curve, "step"),
        show=_whole,
    ),
    _Column(
        name="max_accuracy_percent",
        heading="Max accuracy (%)",
        of=lambda curve: _best(curve, "accuracy_percent"),
        show=_percent,
    ),
    _Column(
        name="last_accuracy_percent",
        heading="Accuracy at the last step (%)",
        of=lambda curve: float(curve["accuracy_percent"].iloc[-1]),
        show=_percent,
        in_paper=False,
    ),
    _Column(
        name="not_finite",
        heading="Not finite",
        of=lambda curve: float(curve["not_finite"].iloc[-1]),
        show=_whole,
        in_paper=False,
    ),
)

_TRAINING_COLUMNS = (
    _Column(
        name="final_train_accuracy_percent",
        heading="Final training accuracy (%)",
        of=lambda history: float(history["train_accuracy_percent"].iloc[-1]),
        show=_percent,
    ),
    _Column(
        name="max_validation_accuracy_percent",
        heading="Max validation accuracy (%)",
        of=lambda history: float(history["validation_accuracy_percent"].max()),
        show=_percent,
    ),
    _Column(
        name="epoch_of_max_validation",
        heading="Epoch with max validation",
        of=lambda history: float(history["epoch"].iloc[_best_epoch(history)]),
        show=_whole,
    ),
    _Column(
        name="hours_per_epoch",
        heading="Time per epoch (hours)",
        of=_hours_per_epoch,
        show=_hours,
    ),
    _Column(
        name="hours_to_max_validation",
        heading="Time to epoch with max validation (hours)",
        of=_hours_to_best,
        show=_hours,
    ),
)


def tabulate_accuracy(results: Sequence[RunResults], *, experiment: str) -> Table:
    """Make table 5, 6 or 7 from the runs of one puzzle, in the config's order."""
    first = next(iter(results[0].by_seed.values()))
    caption = (
        f"{results[0].title}: steps until the highest accuracy on {int(first['examples'].iloc[0])} "
        f"test puzzles, of {len(first)} steps evaluated. {_provenance(experiment, results)} "
        "* marks the models plotted in figure 1. Not finite: puzzles whose state overflowed, "
        "counted as wrong from there on."
    )
    decimals = max(_decimals(result.run.alpha) for result in results)
    numbers, printed = [], []
    for result in results:
        alpha, star = result.run.alpha, "*" if result.plotted else ""
        values, texts = _cells(result, _ACCURACY_COLUMNS, paper.ACCURACY)
        names = {"loss": result.run.loss, "alpha": alpha, "plotted": result.plotted}
        numbers.append({**names, "seeds": len(result.by_seed), **values})
        labels = {
            "Loss": _loss_title(result.run) + star,
            "α": "-" if alpha is None else f"{alpha:.{decimals}f}",
        }
        printed.append(labels | texts)
    return Table(caption=caption, numbers=pd.DataFrame(numbers), printed=pd.DataFrame(printed))


def tabulate_training(results: Sequence[RunResults], *, experiment: str) -> Table:
    """Make table 4 from the runs of all puzzles.

    As in the paper, the plotted runs come first, loss by loss; the others follow.
    """
    caption = (
        f"Training. {_provenance(experiment, results)} Training accuracy is measured over the last "
        "epoch, each batch before its own update; an epoch's time is training and validation "
        "together, in the paper on one GTX 1070."
    )
    losses = list(dict.fromkeys(result.run.loss for result in results))
    ordered = sorted(results, key=lambda one: (not one.plotted, losses.index(one.run.loss)))
    numbers, printed = [], []
    for result in ordered:
        values, texts = _cells(result, _TRAINING_COLUMNS, paper.TRAINING)
        names = {"loss": result.run.loss, "alpha": result.run.alpha, "task": result.task}
        numbers.append({**names, "seeds": len(result.by_seed), **values})
        printed.append({"Loss": result.run.label, "Task": result.title} | texts)
    return Table(caption=caption, numbers=pd.DataFrame(numbers), printed=pd.DataFrame(printed))


def _loss_title(run: Run) -> str:
    return Run(loss=run.loss).label


def _decimals(alpha: float | None) -> int:
    """Count the decimals that write alpha, one at least."""
    return 1 if alpha is None else max(1, len(write_alpha(alpha).partition(".")[2]))


def _provenance(experiment: str, results: Sequence[RunResults]) -> str:
    seeds = list(results[0].by_seed)
    text = f"Ours: experiment {experiment}, seed {seeds[0]}"
    if len(seeds) > 1:
        listed = ", ".join(map(str, seeds))
        text = f"Ours: experiment {experiment}, mean ± standard deviation over the seeds {listed}"
    return f"{text}. (paper): as printed there, in its own setting."


def _cells(
    result: RunResults,
    columns: Sequence[_Column],
    printed_in_paper: Mapping[tuple[str, str], object],
) -> tuple[dict[str, object], dict[str, str]]:
    """Give one row's numbers and texts: mean over the seeds, their spread, the paper's value."""
    in_paper = printed_in_paper.get((result.task, result.run.name))
    values: dict[str, object] = {}
    texts: dict[str, str] = {}
    for column in columns:
        ours = pd.Series([column.of(frame) for frame in result.by_seed.values()])
        values[column.name] = float(ours.mean())
        values[f"{column.name}_sd"] = float(ours.std(ddof=1)) if len(ours) > 1 else None
        text = column.show(float(ours.mean()))
        if len(ours) > 1:
            text += f" ± {column.show(float(ours.std(ddof=1)))}"
        texts[column.heading] = text
        if column.in_paper:
            value = getattr(in_paper, column.name, None)
            values[f"{column.name}_paper"] = None if value is None else float(value)
            texts[f"{PAPER} {column.heading}"] = "-" if value is None else str(value)
    return values, texts
