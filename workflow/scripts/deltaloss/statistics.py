"""Which differences between runs are more than chance: McNemar's test on the same examples.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from deltaloss.errors import DataError
from deltaloss.records import Evaluation

# Where the accuracies of two runs are compared: "maximum" is each run at its own first best step,
# as the paper does (tables 5-7); the other two show whether the choice of that step matters.
COMPARISONS = ("maximum", "last", "train_steps")


@dataclass(frozen=True, kw_only=True)
class McNemar:
    """Two answers to each of the same examples, right or wrong, and what they say.

    Attributes:
        both: examples that both answer rightly.
        only_first: those that only the first answers rightly.
        only_second: those that only the second answers rightly.
        neither: those that neither answers rightly.
    """

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def statistic(self) -> float:
        """Chi-squared with one degree of freedom, corrected for continuity (Edwards, 1948)."""
        discordant = self.only_first + self.only_second
        if discordant == 0:
            return 0.0
        return max(abs(self.only_first - self.only_second) - 1, 0) ** 2 / discordant

    @property
    def p_value(self) -> float:
        """Exact and two-sided: discordant examples fall either way like a fair coin."""
        discordant = self.only_first + self.only_second
        if discordant == 0:
            return 1.0
        return float(stats.binomtest(self.only_first, discordant).pvalue)

    @property
    def p_value_chi2(self) -> float:
        """That of `statistic`, which approximates `p_value` when many examples are discordant."""
        return float(stats.chi2.sf(self.statistic, df=1))


def mcnemar(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> McNemar:
    """Count how two runs answer the same examples.

    Args:
        first: bool [N], whether the first run's answers are right.
        second: bool [N], the second's, of the same examples in the same order.

    Raises:
        DataError: different numbers of examples.
    """
    if first.shape != second.shape:
        raise DataError(
            f"McNemar's test pairs answers to the same examples, but there are {first.size} of one "
            f"run and {second.size} of the other"
        )
    return McNemar(
        both=int((first & second).sum()),
        only_first=int((first & ~second).sum()),
        only_second=int((~first & second).sum()),
        neither=int((~first & ~second).sum()),
    )


def compare_runs(
    evaluations: Mapping[str, Mapping[int, Evaluation]], *, task: str, train_steps: int
) -> pd.DataFrame:
    """Compare every two runs of a puzzle, seed by seed.

    Args:
        evaluations: run -> seed -> evaluation, all on the same examples.
        task: name of the puzzle.
        train_steps: T, the reasoning steps of training.

    Returns:
        A row for each seed, pair and one of `COMPARISONS`: task, seed, first, second, comparison,
        first_step, second_step, examples, first_accuracy_percent, second_accuracy_percent, both,
        only_first, only_second, neither, statistic, p_value, p_value_chi2.

    Raises:
        DataError: two evaluations are of different examples.
    """
    step_of: dict[str, Callable[[Evaluation], int]] = {
        "maximum": Evaluation.best_step,
        "last": lambda evaluation: evaluation.steps,
        "train_steps": lambda evaluation: train_steps,
    }
    rows = []
    for seed, first, second in _pairs(evaluations):
        pair = evaluations[first][seed], evaluations[second][seed]
        _check_same_examples(task, seed, (first, second), pair)
        for comparison in COMPARISONS:
            steps = [step_of[comparison](evaluation) for evaluation in pair]
            answers = [one.correct[step - 1] for one, step in zip(pair, steps, strict=True)]
            names = {"task": task, "seed": seed, "first": first, "second": second}
            rows.append(names | {"comparison": comparison} | _row(steps, answers))
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = (
    *("task", "seed", "first", "second", "comparison", "first_step", "second_step", "examples"),
    *("first_accuracy_percent", "second_accuracy_percent"),
    *("both", "only_first", "only_second", "neither", "statistic", "p_value", "p_value_chi2"),
)


def _pairs(evaluations: Mapping[str, Mapping[int, Evaluation]]) -> Iterator[tuple[int, str, str]]:
    for first, second in combinations(evaluations, 2):
        for seed in evaluations[first]:
            yield seed, first, second


def _row(steps: list[int], answers: list[NDArray[np.bool_]]) -> dict[str, object]:
    result = mcnemar(*answers)
    return {
        "first_step": steps[0],
        "second_step": steps[1],
        "examples": answers[0].size,
        "first_accuracy_percent": 100.0 * float(answers[0].mean()),
        "second_accuracy_percent": 100.0 * float(answers[1].mean()),
        "both": result.both,
        "only_first": result.only_first,
        "only_second": result.only_second,
        "neither": result.neither,
        "statistic": result.statistic,
        "p_value": result.p_value,
        "p_value_chi2": result.p_value_chi2,
    }


def _check_same_examples(
    task: str, seed: int, runs: tuple[str, str], pair: tuple[Evaluation, Evaluation]
) -> None:
    digests = [evaluation.provenance.get("data_digest") for evaluation in pair]
    if digests[0] != digests[1]:
        raise DataError(
            f"{task}, seed {seed}: {runs[0]} and {runs[1]} were evaluated on different test data; "
            "evaluate both again"
        )
