"""Tests and intervals for the answers of two runs to the same examples.

Shape letter: N examples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from deltaloss.core.errors import DataError

CONFIDENCE = 0.95  # of every interval
SIGNIFICANCE = 0.05  # p values below it count

PAIRED_COLUMNS = (
    *("both", "only_first", "only_second", "neither"),
    *("statistic", "p_value", "p_value_mid", "p_value_chi2"),
    *("odds_ratio", "odds_ratio_low", "odds_ratio_high"),
    *("difference_points", "difference_low_points", "difference_high_points"),
)


def compare_answers(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, float]:
    """Compare two runs on the same examples.

    Args:
        first: bool [N], correct answers of the first run.
        second: bool [N], correct answers of the second run to the same examples.

    Returns:
        `PAIRED_COLUMNS`: both, only_first, only_second, neither are the numbers of examples that
        these runs answer correctly; for the others see `mcnemar_test`, `odds_ratio` and
        `accuracy_difference`.

    Raises:
        DataError: different numbers of examples.
    """
    if first.shape != second.shape:
        raise DataError(
            f"McNemar's test pairs answers to the same examples, but there are {first.size} of one "
            f"run and {second.size} of the other"
        )
    both, either = int((first & second).sum()), int((first | second).sum())
    only_first, only_second = int(first.sum()) - both, int(second.sum()) - both
    counts = (both, only_first, only_second, first.size - either)
    return {
        **dict(zip(PAIRED_COLUMNS[:4], counts, strict=True)),
        **mcnemar_test(only_first, only_second),
        **odds_ratio(only_first, only_second),
        **accuracy_difference(*counts),
    }


def mcnemar_test(only_first: int, only_second: int) -> dict[str, float]:
    """McNemar's test: discordant pairs against a fair coin, two-sided.

    Returns:
        statistic: chi-squared, one degree of freedom, corrected for continuity (Edwards, 1948).
        p_value: of the exact binomial test.
        p_value_mid: the same with half the probability of outcomes exactly as extreme as the
            observed one (Fagerland, Lydersen and Laake, 2013): less conservative.
        p_value_chi2: of `statistic`, an approximation for many discordant pairs.
        Without discordant pairs the statistic is 0 and every p value is 1.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return {"statistic": 0.0, "p_value": 1.0, "p_value_mid": 1.0, "p_value_chi2": 1.0}
    statistic = max(abs(only_first - only_second) - 1, 0) ** 2 / discordant
    exact = float(stats.binomtest(only_first, discordant).pvalue)
    observed = float(stats.binom.pmf(only_first, discordant, 0.5))
    half = observed / 2 if only_first == only_second else observed  # two outcomes, or the middle
    return {
        "statistic": statistic,
        "p_value": exact,
        "p_value_mid": exact - half,
        "p_value_chi2": float(stats.chi2.sf(statistic, df=1)),
    }


def odds_ratio(only_first: int, only_second: int) -> dict[str, float]:
    """Conditional odds ratio of the discordant pairs: above 1, the first run is right more often.

    The interval is the exact one of the share of `only_first` (Clopper and Pearson, 1934) as odds.

    Returns:
        odds_ratio: infinite if only the first run has discordant pairs, NaN without any.
        odds_ratio_low, odds_ratio_high: from 0 to infinity where the data set no limit.
    """
    discordant = only_first + only_second
    low, high = 0.0, 1.0
    if discordant:
        test = stats.binomtest(only_first, discordant)
        low, high = test.proportion_ci(CONFIDENCE, method="exact")
    share = only_first / discordant if discordant else math.nan
    names = ("odds_ratio", "odds_ratio_low", "odds_ratio_high")
    return {name: _odds(one) for name, one in zip(names, (share, low, high), strict=True)}


def _odds(share: float) -> float:
    return math.inf if share == 1 else float(share / (1 - share))


def accuracy_difference(
    both: int, only_first: int, only_second: int, neither: int
) -> dict[str, float]:
    """Accuracy of the first run minus that of the second, in percentage points.

    The interval is Newcombe's square-and-add one (Statistics in Medicine 17, 1998, pages 2635 to
    2650, method 10). Unlike Wald's it keeps inside [-100, 100] and has a width when both runs
    answer everything correctly; unlike Tango's it has a closed form. Fagerland, Lydersen and Laake
    (2014) recommend it.

    Returns:
        difference_points, difference_low_points, difference_high_points.
    """
    examples = both + only_first + only_second + neither
    right = both + only_first, both + only_second
    first, second = (count / examples for count in right)
    (low_1, high_1), (low_2, high_2) = (wilson_interval(count, examples) for count in right)
    phi = _correlation(both, only_first, only_second, neither)
    below, above = (
        math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))
        for one, other in ((first - low_1, high_2 - second), (high_1 - first, second - low_2))
    )
    difference = (only_first - only_second) / examples
    return {
        "difference_points": 100.0 * difference,
        "difference_low_points": 100.0 * (difference - below),
        "difference_high_points": 100.0 * (difference + above),
    }


def _correlation(both: int, only_first: int, only_second: int, neither: int) -> float:
    """Phi coefficient, corrected for continuity where it is positive, 0 where undefined."""
    margins = (
        (both + only_first)
        * (only_second + neither)
        * (both + only_second)
        * (only_first + neither)
    )
    product = float(both * neither - only_first * only_second)
    if product > 0:
        examples = both + only_first + only_second + neither
        product = max(product - examples / 2, 0)
    return product / math.sqrt(margins) if margins else 0.0


def wilson_interval(correct: int, examples: int) -> tuple[float, float]:
    """Score interval of a share (Wilson, 1927), both limits in [0, 1]."""
    low, high = stats.binomtest(correct, examples).proportion_ci(CONFIDENCE, method="wilson")
    return float(low), float(high)


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P values of one family, adjusted by Holm's step-down procedure (1979).

    Rejecting those below a level keeps the chance of any false rejection below it.
    """
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
