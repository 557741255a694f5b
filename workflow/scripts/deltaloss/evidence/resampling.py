"""Tests and intervals over seeds, by flipping signs and by resampling.

Shape letters: S seeds, N examples, K rows of answers, B draws.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from deltaloss.evidence.paired import CONFIDENCE

EXACT_SEEDS = 16  # up to so many all 2^S signs are tried
SIGN_DRAWS = 100_000
BOOTSTRAP_DRAWS = 2_000
WEIGHTS_PER_BLOCK = 4_000_000  # 16 MB


def fisher_test(first: int, second: int, seeds: int) -> float:
    """Fisher's exact two-sided p value: `first` against `second` successes, of `seeds` each."""
    table = [[first, seeds - first], [second, seeds - second]]
    return float(stats.fisher_exact(table).pvalue)


def sign_flip_test(differences: NDArray[np.int64], *, seed: int) -> float:
    """Paired permutation test of a mean of zero, two-sided.

    If the runs do not differ, exchanging them at any seed changes nothing: each difference could
    as well have the other sign. The p value is the share of signs whose sum is at least as far
    from zero as the observed one, of all 2^S up to `EXACT_SEEDS` seeds, else of `SIGN_DRAWS` random
    ones and the observed one. It is never below 2^(1 - S): five seeds cannot reach 0.05.

    Args:
        differences: whole numbers [S], one per seed, so that ties are exact.
        seed: of the random signs.
    """
    observed = abs(int(differences.sum()))
    if len(differences) > EXACT_SEEDS:
        bits = np.random.default_rng(seed).integers(2, size=(SIGN_DRAWS, len(differences)))
        extreme = int((np.abs((2 * bits - 1) @ differences) >= observed).sum())
        return (1 + extreme) / (1 + SIGN_DRAWS)
    sums = np.zeros(1, dtype=np.int64)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    return float((np.abs(sums) >= observed).mean())


def student_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Student's interval of the mean of values [S], one per seed; NaN with one seed."""
    if len(values) < 2:
        return math.nan, math.nan
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, df=len(values) - 1)
    width = float(quantile * values.std(ddof=1) / math.sqrt(len(values)))
    mean = float(values.mean())
    return mean - width, mean + width


def resample_examples(correct: NDArray[np.bool_], *, seed: int) -> NDArray[np.float64]:
    """Accuracies on examples drawn with replacement, the same ones for every row.

    A draw is the number of times that each example is in it; the accuracies of all rows are then
    one matrix product. Its sums are whole numbers below 2^24, exact in float32 on every machine.

    Args:
        correct: bool [K, N], rows of answers to the same examples.
        seed: of the draws.

    Returns:
        Percentages [B, K].
    """
    random = np.random.default_rng(seed)
    rows, examples = correct.shape
    answers = correct.T.astype(np.float32)
    right = np.empty((BOOTSTRAP_DRAWS, rows))
    per_block = max(1, WEIGHTS_PER_BLOCK // examples)
    for start in range(0, BOOTSTRAP_DRAWS, per_block):
        block = right[start : start + per_block]
        times = np.empty((len(block), examples), dtype=np.float32)
        for row in times:
            row[:] = np.bincount(random.integers(examples, size=examples), minlength=examples)
        block[:] = times @ answers
    return np.asarray(100.0 * right / examples)


def bootstrap_interval(differences: NDArray[np.float64], *, seed: int) -> tuple[float, float]:
    """Percentile interval of a mean over seeds, by a hierarchical bootstrap.

    Each draw resamples the seeds, then takes their differences on its resampled examples. All
    seeds answer the same examples, so a draw has the same examples for all of them: drawn anew
    for each seed, their chance would wrongly average out (Owen, 2007, the pigeonhole bootstrap).
    In simulations of seeds that differ much, 95 % intervals covered the truth in 82 % of studies of
    three seeds, 92 % of five and 93 % of ten; where seeds differ little, in 99 %. If every seed of
    both runs is right on the same examples, nothing varies and the interval is a point.

    Args:
        differences: [B, S], of two runs on the examples of each draw; see `resample_examples`.
        seed: of the draws of seeds.
    """
    draws, seeds = differences.shape
    times = np.random.default_rng(seed).multinomial(seeds, [1 / seeds] * seeds, size=draws)
    means = (times * differences).sum(axis=1) / seeds
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
