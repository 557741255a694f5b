"""Rules by which a claim gets its verdict; docs/protocol.md states and explains them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from deltaloss.evidence.paired import SIGNIFICANCE
from deltaloss.evidence.resampling import sign_flip_test

HOLDS, FAILS, UNDECIDED = "holds", "does not hold", "undecided"
UNTESTABLE = "not testable here"

MANY, FEW = 0.8, 0.2  # shares of seeds: four of five, one of five
ENOUGH_SEEDS = 5  # fewer are said beside a verdict
FEW_PUZZLES = 10  # a seed that solves fewer, or fewer than 1 %, solves nothing


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was measured for a claim, and its verdict.

    Attributes:
        verdict: one of the four above.
        measured: one sentence with the numbers.
        value: the number that decides, in the unit of the claim; NaN for none.
        low: lower 95 % limit of the value; NaN for none.
        high: upper limit.
        p_value: of the test that decides; NaN for none.
        seeds: trainings that count.
    """

    verdict: str
    measured: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    p_value: float = math.nan
    seeds: int = 0


@dataclass(frozen=True, kw_only=True)
class Level:
    """Whether the networks of a run reach something that single seeds can reach.

    Attributes:
        verdict: one of the four above.
        met: seeds that reach it.
        seeds: those that count.
        left_out: those that solve nothing.
    """

    verdict: str
    met: int
    seeds: int
    left_out: int

    @property
    def text(self) -> str:
        """The verdict above what it rests on, or why there is none."""
        if self.verdict == UNTESTABLE:
            return f"only {self.seeds} of\n{self.seeds + self.left_out} solve"
        return f"{self.verdict}:\n{self.met} of {self.seeds}"

    def columns(self, name: str) -> dict[str, object]:
        """Return columns of a table for a level of this name."""
        return {
            f"{name}_verdict": self.verdict,
            f"{name}_met": self.met,
            f"{name}_seeds": self.seeds,
            f"{name}_left_out": self.left_out,
        }


def untestable(reason: str) -> Finding:
    """Return the finding of a claim that was not tested."""
    return Finding(verdict=UNTESTABLE, measured=reason)


def judge_level(met: Sequence[bool]) -> str:
    """Verdict of a level that some seeds meet."""
    share = sum(met) / len(met)
    if share >= MANY:
        return of_seeds(HOLDS, len(met))
    return of_seeds(FAILS if share <= FEW else UNDECIDED, len(met))


def of_seeds(verdict: str, seeds: int) -> str:
    """Return a verdict that says so if it rests on fewer than `ENOUGH_SEEDS`."""
    if seeds >= ENOUGH_SEEDS:
        return verdict
    return f"{verdict} ({'few seeds' if seeds > 1 else 'one seed'})"


def solves_something(correct: pd.Series[float], examples: pd.Series[float]) -> pd.Series[bool]:
    """Whether each seed solves more than nothing: at least 1 %, and `FEW_PUZZLES`, of them."""
    return correct >= (examples / 100).clip(lower=FEW_PUZZLES)


def enough_count(counted: pd.Series[bool]) -> bool:
    """Whether a level can be judged: at least half of the seeds count, and one does."""
    return bool(counted.any() and 2 * counted.sum() >= len(counted))


def judge_solving(met: pd.Series[bool], solving: pd.Series[bool]) -> Level:
    """Judge a level by the seeds that solve something."""
    counted = met[solving]
    verdict = judge_level(counted.tolist()) if enough_count(solving) else UNTESTABLE
    return Level(
        verdict=verdict, met=int(counted.sum()), seeds=len(counted), left_out=int((~solving).sum())
    )


def judge_tests(*tests: tuple[float, float]) -> tuple[str, float]:
    """Verdict of a difference that is claimed to be above 0, and the p value that decides.

    Args:
        tests: pairs of an observed difference and its p value; NaN for a test without a result.
    """
    observed = [(p_value, difference) for difference, p_value in tests if not math.isnan(p_value)]
    if not observed:
        return UNDECIDED, math.nan
    p_value, difference = min(observed)
    if p_value >= SIGNIFICANCE or difference == 0:
        return UNDECIDED, p_value
    return (HOLDS if difference > 0 else FAILS), p_value


def judge_ratio(low: float, high: float, printed: float) -> str:
    """Verdict of a ratio above 1, measured with an interval, against the printed one.

    It fails if the interval ends below the printed ratio, and holds if it also begins above half of
    the printed excess over 1: a noisy clock decides nothing.
    """
    if high < printed:
        return FAILS
    return HOLDS if low - 1 >= (printed - 1) / 2 else UNDECIDED


def steps_p_value(differences: Sequence[int], *, seed: int) -> float:
    """P value of a mean difference of steps; NaN for fewer than two seeds."""
    if len(differences) < 2:
        return math.nan
    return sign_flip_test(np.asarray(differences, dtype=np.int64), seed=seed)


def friedman_test(accuracies: pd.DataFrame) -> float:
    """P value of equal accuracies of several runs, by Friedman's test with seeds as blocks.

    Args:
        accuracies: one row per seed, one column per run; at least three columns.
    """
    if len(accuracies) < 2 or (accuracies.nunique(axis=1) == 1).all():
        return math.nan  # without ranks the statistic has no value
    return float(stats.friedmanchisquare(*(accuracies[name] for name in accuracies)).pvalue)
