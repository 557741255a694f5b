"""Summaries of curves and histories, and the comparison of every two runs, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from deltaloss.core.errors import DataError
from deltaloss.core.runs import parse_run, weights_seed
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.paired import PAIRED_COLUMNS, compare_answers, holm
from deltaloss.evidence.provenance import RunResults

COMPARISONS = ("maximum", "validation", "train_steps", "last")
"""Steps at which runs are compared, each run at its own.

maximum: the first step of the highest test accuracy, as in the paper (tables 5-7), chosen on the
very answers that are compared. validation: the last step of the highest accuracy on validation
examples; smaller puzzles are solved in fewer steps than larger ones, so the first such step would
say nothing about the test set. train_steps: T of the training. last: the last step evaluated.
"""

SECONDS_PER_HOUR = 3600.0

COLUMNS = (
    *("task", "seed", "first", "second", "comparison", "first_step", "second_step", "examples"),
    *("first_accuracy_percent", "second_accuracy_percent"),
    *(*PAIRED_COLUMNS, "p_value_holm"),
)

Results = Sequence[RunResults[Answers]]
Steps = Mapping[tuple[str, str], Mapping[str, int]]
"""Run and weights -> comparison -> step, from 1."""


def choose_steps(results: Results, validations: Results, *, train_steps: int) -> Steps:
    """Choose the steps of `COMPARISONS` for every run and weights.

    Args:
        results: answers of the runs of one puzzle to the test set.
        validations: answers of the same runs and weights to validation examples.
        train_steps: T of the training.
    """
    validated = {
        (result.run.name, weights): answers
        for result in validations
        for weights, answers in result.by_weights.items()
    }
    return {
        (result.run.name, weights): {
            "maximum": answers.best_step(),
            "validation": _last_best_step(validated[result.run.name, weights]),
            "train_steps": train_steps,
            "last": answers.steps,
        }
        for result in results
        for weights, answers in result.by_weights.items()
    }


def _last_best_step(answers: Answers) -> int:
    correct = answers.correct.sum(axis=1)
    return answers.steps - int(correct[::-1].argmax())


def tolerance(examples: int) -> float:
    """Test puzzles that an accuracy may lose and still counts as the same: 1 %, or one."""
    return max(1.0, examples / 100)


def near_best_step(answers: Answers) -> int:
    """First step, from 1, whose accuracy is within `tolerance` of the highest."""
    correct = answers.correct.sum(axis=1)
    return int((correct >= correct.max() - tolerance(answers.examples)).argmax()) + 1


def compare_runs(results: Results, steps: Steps) -> pd.DataFrame:
    """Compare every two runs of a puzzle on each of their common weights.

    Args:
        results: answers of the runs of one puzzle, on the same examples.
        steps: see `choose_steps`.

    Returns:
        One row per pair, weights and comparison, with `COLUMNS`; see `compare_answers`. `seed` is
        empty for weights that no seed of ours made. `p_value_holm` adjusts `p_value` for all
        pairs and seeds of the same comparison.

    Raises:
        DataError: two runs were evaluated on different examples.
    """
    check_same_examples(results)
    rows = []
    for first, second, weights in _pairs(results):
        pair = first.by_weights[weights], second.by_weights[weights]
        names = {
            "task": first.task,
            "seed": weights_seed(weights),
            "first": first.run.name,
            "second": second.run.name,
        }
        for comparison in COMPARISONS:
            chosen = [steps[result.run.name, weights][comparison] for result in (first, second)]
            rows.append({**names, "comparison": comparison, **_compare(pair, chosen)})
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})
    for _, family in frame.groupby("comparison")["p_value"]:
        frame.loc[family.index, "p_value_holm"] = holm(family.to_numpy(dtype=float))
    return frame


def alphas(names: Iterable[str]) -> list[tuple[float, str]]:
    """List alpha and name of the selected progressive ones of some runs, by alpha."""
    runs = {name: parse_run(name) for name in names}
    return sorted(
        (run.value, name)
        for name, run in runs.items()
        if run.loss == "progressive" and run.value is not None and not run.last
    )


def check_same_examples(results: Results) -> None:
    """Check that all answers are to the same examples.

    Raises:
        DataError: two runs were evaluated on different examples.
    """
    digests = {
        f"{result.run.name}, {weights}": answers.provenance.get("data_digest")
        for result in results
        for weights, answers in result.by_weights.items()
    }
    first = next(iter(digests), "")
    for other, digest in digests.items():
        if digest != digests[first]:
            raise DataError(
                f"{results[0].task}: {first} and {other} were evaluated on different test data; "
                "evaluate both again"
            )


def _pairs(
    results: Results,
) -> Iterator[tuple[RunResults[Answers], RunResults[Answers], str]]:
    for first, second in combinations(results, 2):
        for weights in first.by_weights:
            if weights in second.by_weights:
                yield first, second, weights


def _compare(pair: tuple[Answers, Answers], steps: Sequence[int]) -> dict[str, float]:
    first, second = (answers.correct[step - 1] for answers, step in zip(pair, steps, strict=True))
    return {
        "first_step": steps[0],
        "second_step": steps[1],
        "examples": first.size,
        "first_accuracy_percent": 100.0 * int(first.sum()) / first.size,
        "second_accuracy_percent": 100.0 * int(second.sum()) / second.size,
        **compare_answers(first, second),
    }


def at_end(column: str) -> Callable[[pd.DataFrame], float]:
    """Value of a column at the last step or epoch."""
    return lambda frame: float(frame[column].iloc[-1])


def max_validation(history: pd.DataFrame) -> float:
    """Highest validation accuracy, in percent."""
    return float(history["validation_accuracy_percent"].max())


def best_epoch(history: pd.DataFrame) -> float:
    """First epoch of the highest validation accuracy, from 1."""
    return float(history["epoch"].iloc[_best_row(history)])


def ended_finite(history: pd.DataFrame) -> bool:
    """Whether the training did not end by losses or gradients that are not finite."""
    return bool(np.isfinite(history[["train_loss", "gradient_norm"]].iloc[-1]).all())


def hours_per_epoch(history: pd.DataFrame) -> float:
    """Mean hours of training and validation per epoch."""
    return float(_epoch_seconds(history).mean()) / SECONDS_PER_HOUR


def hours_to_best(history: pd.DataFrame) -> float:
    """Hours of training and validation up to the end of the best epoch."""
    return float(_epoch_seconds(history).cumsum().iloc[_best_row(history)]) / SECONDS_PER_HOUR


def _best_row(history: pd.DataFrame) -> int:
    return int(history["validation_accuracy_percent"].argmax())


def _epoch_seconds(history: pd.DataFrame) -> pd.Series[float]:
    return history["train_seconds"] + history["validation_seconds"]
