"""The power law of the steps in the size."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.evidence.scaling import LEAST_SIZES, PowerLaw, fit_power_law

SIZES = (64, 128, 256, 512, 1024)


def points(
    exponents: list[float],
    *,
    factor: float = 2.0,
    noise: float = 0.0,
    unsolved: tuple[int, ...] = (),
    censored: tuple[int, ...] = (),
    seed: int = 0,
) -> pd.DataFrame:
    """Steps of seeds that follow power laws, up to noise of their logarithms."""
    random = np.random.default_rng(seed)
    rows = [
        {
            **{"seed": number, "size": size, "max_at_last_step": size in censored},
            "solved": size not in unsolved,
            "steps_until_max_accuracy": factor * size**b * math.exp(noise * random.normal())
            if size not in (*unsolved, *censored)
            else 1.0,
        }
        for number, b in enumerate(exponents, start=1)
        for size in SIZES
    ]
    return pd.DataFrame(rows)


def fit(rows: pd.DataFrame) -> PowerLaw:
    law = fit_power_law(rows)
    assert law is not None
    return law


@given(
    exponents=st.lists(st.floats(-2, 3), min_size=2, max_size=6),
    factor=st.floats(0.01, 100),
)
def test_exact_power_laws_are_recovered(exponents, factor):
    law = fit(points(exponents, factor=factor))
    assert law.seeds == len(exponents)
    assert law.exponent == pytest.approx(np.mean(exponents), abs=1e-9)
    assert law.factor == pytest.approx(factor, rel=1e-9)
    assert law.low - 1e-9 <= law.exponent <= law.high + 1e-9
    assert law.steps(100.0) == pytest.approx(factor * 100 ** np.mean(exponents), rel=1e-6)


def test_the_interval_is_student_s_over_seeds():
    law = fit(points([0.9, 1.0, 1.1]))
    half = 4.302653 * 0.1 / math.sqrt(3)  # two degrees of freedom
    assert (law.low, law.high) == pytest.approx((1 - half, 1 + half), abs=1e-6)


def test_one_seed_has_an_exponent_without_an_interval():
    law = fit(points([0.7]))
    assert law.exponent == pytest.approx(0.7)
    assert math.isnan(law.low)
    assert math.isnan(law.high)


@pytest.mark.parametrize("left_out", ["unsolved", "censored"])
def test_points_that_are_not_solved_or_whose_maximum_is_at_the_last_step_do_not_count(left_out):
    law = fit(points([0.8, 1.2], **{left_out: (512, 1024)}))
    assert law.exponent == pytest.approx(1.0)


def test_seeds_with_too_few_sizes_are_left_out():
    rows = pd.concat(
        [
            points([0.5]),
            points([3.0], unsolved=SIZES[LEAST_SIZES - 1 :]).assign(seed=2),
        ]
    )
    law = fit(rows)
    assert (law.seeds, law.exponent) == (1, pytest.approx(0.5))
    assert fit_power_law(rows[rows["seed"] == 2]) is None
    assert fit_power_law(rows.iloc[:0]) is None


def test_the_interval_contains_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = 0
    for study in range(200):
        exponents = random.normal(1.0, 0.05, size=5).tolist()
        law = fit(points(exponents, noise=0.05, seed=study))
        covered += law.low <= 1.0 <= law.high
    assert 0.91 <= covered / 200 <= 0.98
