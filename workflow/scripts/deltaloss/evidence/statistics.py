"""Summaries of curves and histories, and the comparison of every two runs, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

import pandas as pd

from deltaloss.core.errors import DataError
from deltaloss.core.runs import weights_seed
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.paired import PAIRED_COLUMNS, compare_answers, holm
from deltaloss.evidence.provenance import RunResults

# Steps at which two runs are compared: "maximum" is each run's own first best step, as in the
# paper (tables 5-7), chosen on the very answers that are compared; the other two show whether that
# matters. A step chosen on validation puzzles belongs here too, once there are answers to them
# after every step: `evaluate_model` makes those of the test set only.
COMPARISONS = ("maximum", "last", "train_steps")

SECONDS_PER_HOUR = 3600.0

COLUMNS = (
    *("task", "seed", "first", "second", "comparison", "first_step", "second_step", "examples"),
    *("first_accuracy_percent", "second_accuracy_percent"),
    *(*PAIRED_COLUMNS, "p_value_holm"),
)

Results = Sequence[RunResults[Answers]]


def compare_runs(results: Results, *, train_steps: int) -> pd.DataFrame:
    """Compare every two runs of a puzzle on each of their common weights.

    Args:
        results: answers of the runs of one puzzle, on the same examples.
        train_steps: T of the training.

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
        steps = [comparison_steps(answers, train_steps) for answers in pair]
        for comparison in COMPARISONS:
            chosen = [of[comparison] for of in steps]
            rows.append({**names, "comparison": comparison, **_compare(pair, chosen)})
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})
    for _, family in frame.groupby("comparison")["p_value"]:
        frame.loc[family.index, "p_value_holm"] = holm(family.to_numpy(dtype=float))
    return frame


def comparison_steps(answers: Answers, train_steps: int) -> dict[str, int]:
    """Return the steps of `COMPARISONS`, from 1."""
    steps = (answers.best_step(), answers.steps, train_steps)
    return dict(zip(COMPARISONS, steps, strict=True))


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


def at_best(column: str) -> Callable[[pd.DataFrame], float]:
    """Value of a curve's column at the first step of the highest accuracy."""
    return lambda curve: float(curve[column].iloc[int(curve["correct"].argmax())])


def at_end(column: str) -> Callable[[pd.DataFrame], float]:
    """Value of a column at the last step or epoch."""
    return lambda frame: float(frame[column].iloc[-1])


def max_validation(history: pd.DataFrame) -> float:
    """Highest validation accuracy, in percent."""
    return float(history["validation_accuracy_percent"].max())


def best_epoch(history: pd.DataFrame) -> float:
    """First epoch of the highest validation accuracy, from 1."""
    return float(history["epoch"].iloc[_best_row(history)])


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
