"""Summaries of curves and histories, and McNemar's test of the difference between two runs.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from deltaloss.core.errors import DataError
from deltaloss.core.runs import weights_seed
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.provenance import RunResults

# Steps at which two runs are compared: "maximum" is each run's own first best step, as in the
# paper (tables 5-7); the other two show whether the choice of that step matters.
COMPARISONS = ("maximum", "last", "train_steps")

SECONDS_PER_HOUR = 3600.0

COLUMNS = (
    *("task", "seed", "first", "second", "comparison", "first_step", "second_step", "examples"),
    *("first_accuracy_percent", "second_accuracy_percent"),
    *("both", "only_first", "only_second", "neither", "statistic", "p_value", "p_value_chi2"),
)


def compare_runs(results: Sequence[RunResults[Answers]], *, train_steps: int) -> pd.DataFrame:
    """Compare every two runs of a puzzle on each of their common weights.

    Args:
        results: answers of the runs of one puzzle, on the same examples.
        train_steps: T of the training.

    Returns:
        One row per pair, weights and comparison, with `COLUMNS`. Accuracies are percentages;
        `seed` is empty for weights that no seed of ours made.

    Raises:
        DataError: two runs were evaluated on different examples.
    """
    rows = []
    for first, second, weights in _pairs(results):
        pair = first.by_weights[weights], second.by_weights[weights]
        names = {
            "task": first.task,
            "seed": weights_seed(weights),
            "first": first.run.name,
            "second": second.run.name,
        }
        _check_same_examples(names, weights, pair)
        for comparison, steps in _steps(pair, train_steps).items():
            rows.append({**names, "comparison": comparison, **_compare(pair, steps)})
    return pd.DataFrame(rows, columns=COLUMNS).astype({"seed": "Int64"})


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, float]:
    """Test whether two runs answer the same examples equally well.

    Args:
        first: bool [N], correct answers of the first run.
        second: bool [N], correct answers of the second run to the same examples.

    Returns:
        both, only_first, only_second, neither: numbers of examples that these runs answer
        correctly; statistic, p_value, p_value_chi2: see `mcnemar_test`.

    Raises:
        DataError: different numbers of examples.
    """
    if first.shape != second.shape:
        raise DataError(
            f"McNemar's test pairs answers to the same examples, but there are {first.size} of one "
            f"run and {second.size} of the other"
        )
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    return {
        "both": int((first & second).sum()),
        "only_first": only_first,
        "only_second": only_second,
        "neither": int((~first & ~second).sum()),
        **mcnemar_test(only_first, only_second),
    }


def mcnemar_test(only_first: int, only_second: int) -> dict[str, float]:
    """Test discordant pairs for a fair coin, both two-sided.

    Returns:
        statistic: chi-squared, one degree of freedom, corrected for continuity (Edwards, 1948).
        p_value: of the exact binomial test.
        p_value_chi2: of `statistic`, an approximation for many discordant pairs.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return {"statistic": 0.0, "p_value": 1.0, "p_value_chi2": 1.0}
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / discordant
    return {
        "statistic": statistic,
        "p_value": float(stats.binomtest(only_first, discordant).pvalue),
        "p_value_chi2": float(stats.chi2.sf(statistic, df=1)),
    }


def _pairs(
    results: Sequence[RunResults[Answers]],
) -> Iterator[tuple[RunResults[Answers], RunResults[Answers], str]]:
    for first, second in combinations(results, 2):
        for weights in first.by_weights:
            if weights in second.by_weights:
                yield first, second, weights


def _steps(pair: tuple[Answers, Answers], train_steps: int) -> dict[str, list[int]]:
    """Find the steps of both runs, from 1, for each of `COMPARISONS`."""
    of: Mapping[str, Callable[[Answers], int]] = {
        "maximum": Answers.best_step,
        "last": lambda answers: answers.steps,
        "train_steps": lambda answers: train_steps,
    }
    return {name: [of[name](answers) for answers in pair] for name in COMPARISONS}


def _compare(pair: tuple[Answers, Answers], steps: Sequence[int]) -> dict[str, float]:
    first, second = (answers.correct[step - 1] for answers, step in zip(pair, steps, strict=True))
    return {
        "first_step": steps[0],
        "second_step": steps[1],
        "examples": first.size,
        "first_accuracy_percent": 100.0 * float(first.mean()),
        "second_accuracy_percent": 100.0 * float(second.mean()),
        **mcnemar(first, second),
    }


def _check_same_examples(
    names: Mapping[str, object], weights: str, pair: tuple[Answers, Answers]
) -> None:
    first, second = (answers.provenance.get("data_digest") for answers in pair)
    if first != second:
        raise DataError(
            f"{names['task']}, {weights}: {names['first']} and {names['second']} were evaluated on "
            "different test data; evaluate both again"
        )


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
