"""The rules of the verdicts, as docs/protocol.md states them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaloss.evidence.verdicts import (
    FAILS,
    HOLDS,
    UNDECIDED,
    friedman_test,
    judge_level,
    judge_ratio,
    judge_tests,
    steps_p_value,
)


@pytest.mark.parametrize(
    ("met", "seeds", "verdict"),
    [
        *((5, 5, HOLDS), (4, 5, HOLDS), (3, 5, UNDECIDED), (2, 5, UNDECIDED), (1, 5, FAILS)),
        *(
            (0, 5, FAILS),
            (8, 10, HOLDS),
            (7, 10, UNDECIDED),
            (2, 10, FAILS),
            (2, 3, f"{UNDECIDED} (few seeds)"),
            (1, 4, f"{UNDECIDED} (few seeds)"),
        ),
        *((2, 2, f"{HOLDS} (few seeds)"), (4, 4, f"{HOLDS} (few seeds)")),
        *((1, 1, f"{HOLDS} (one seed)"), (0, 1, f"{FAILS} (one seed)")),
    ],
)
def test_a_level_needs_four_of_five_seeds(met, seeds, verdict):
    assert judge_level([number < met for number in range(seeds)]) == verdict


@pytest.mark.parametrize(
    ("tests", "verdict", "p_value"),
    [
        ([(3.0, 0.04)], HOLDS, 0.04),
        ([(-3.0, 0.04)], FAILS, 0.04),
        ([(3.0, 0.05)], UNDECIDED, 0.05),
        ([(3.0, 0.2), (4, 0.03)], HOLDS, 0.03),  # one of two tests is enough
        ([(3.0, 0.2), (-4, 0.03)], FAILS, 0.03),
        ([(0.0, 0.03)], UNDECIDED, 0.03),
        ([(3.0, math.nan), (2, 0.5)], UNDECIDED, 0.5),
    ],
)
def test_a_difference_needs_a_test_in_its_direction(tests, verdict, p_value):
    assert judge_tests(*tests) == (verdict, p_value)


def test_a_difference_without_a_test_is_undecided():
    verdict, p_value = judge_tests((3.0, math.nan))
    assert verdict == UNDECIDED
    assert math.isnan(p_value)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.3, 1.44, FAILS),
        (1.3, 1.45, HOLDS),
        (2, 2, HOLDS),
        (1.05, 1.55, UNDECIDED),
        (0.9, 1.9, UNDECIDED),
        (0.8, 0.9, FAILS),
    ],
)
def test_a_ratio_holds_if_its_interval_reaches_the_printed_one_and_is_narrow(low, high, verdict):
    assert judge_ratio(low, high, 1.45) == verdict


def test_steps_are_tested_by_flipping_signs():
    assert steps_p_value([5, 7, 1, 3, 2, 9], seed=0) == 2 / 2**6
    assert math.isnan(steps_p_value([5], seed=0))


def test_accuracies_of_several_runs_are_compared_within_seeds():
    random = np.random.default_rng(3)
    shifts = np.array([0, 0.1, 0.5, 0.9])
    frame = pd.DataFrame(random.random((8, 4)) + shifts, columns=list("abcd"))
    expected = stats.friedmanchisquare(*frame.to_numpy().T).pvalue
    assert friedman_test(frame) == expected
    assert friedman_test(frame + np.arange(8)[:, None] * 100) == pytest.approx(expected)
    assert math.isnan(friedman_test(pd.DataFrame({name: [1.0, 1.0] for name in "abc"})))
    assert math.isnan(friedman_test(frame.head(1)))
