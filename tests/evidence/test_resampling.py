"""Tests over seeds: all signs tried, the same examples for all seeds, intervals that cover."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from deltaloss.evidence import resampling
from deltaloss.evidence.resampling import (
    bootstrap_interval,
    fisher_test,
    resample_examples,
    sign_flip_test,
)

differences = st.lists(st.integers(-50, 50), min_size=1, max_size=8).map(np.array)


def test_fisher_s_test_is_the_sum_over_tables_at_most_as_likely():
    """By the hypergeometric distribution of the first row, of fixed margins."""
    chances = stats.hypergeom.pmf(np.arange(6), 10, 6, 5)
    expected = chances[chances <= chances[5] * (1 + 1e-9)].sum()
    assert fisher_test(5, 1, 5) == pytest.approx(expected)
    assert fisher_test(5, 0, 5) == pytest.approx(2 / 252)
    assert fisher_test(3, 3, 3) == 1


class TestSignFlips:
    @given(differences)
    @example(np.array([0, 0, 0]))
    @example(np.array([1, -1, 2, -2]))
    def test_p_value_is_the_share_of_all_signs_that_are_as_extreme(self, values):
        signs = product((1, -1), repeat=len(values))
        extreme = [abs((np.array(one) * values).sum()) >= abs(values.sum()) for one in signs]
        assert sign_flip_test(values, seed=0) == np.mean(extreme)

    @given(differences)
    def test_exchanging_the_runs_changes_nothing(self, values):
        assert sign_flip_test(values, seed=0) == sign_flip_test(-values, seed=0)

    def test_p_value_is_that_of_scipy(self):
        values = np.array([12, -3, 40, 7, 7, -20, 31, 5, 16, -2, 9, 24])
        other = stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip_test(values, seed=0) == pytest.approx(other.pvalue, rel=1e-12)

    def test_five_seeds_cannot_reach_one_in_twenty(self):
        assert sign_flip_test(np.array([5, 6, 7, 8, 9]), seed=0) == 2 / 32

    def test_random_signs_are_near_all_signs(self, monkeypatch):
        values = np.array([12, -3, 40, 7, 7, -20, 31, 5, 16, -2, 9, 24])
        exact = sign_flip_test(values, seed=0)
        monkeypatch.setattr(resampling, "EXACT_SEEDS", 4)
        drawn = [sign_flip_test(values, seed=seed) for seed in (0, 0, 1)]
        assert drawn[0] == drawn[1] != drawn[2]
        assert drawn == pytest.approx([exact] * 3, abs=0.005)  # standard error 0.0007

    def test_more_seeds_than_can_all_be_flipped_never_have_a_p_value_of_zero(self):
        p_value = sign_flip_test(np.arange(1, 31), seed=0)
        assert p_value == 1 / (1 + resampling.SIGN_DRAWS)


class TestResampledExamples:
    def test_all_rows_answer_the_same_drawn_examples(self, monkeypatch):
        monkeypatch.setattr(resampling, "BOOTSTRAP_DRAWS", 50)
        row = np.random.default_rng(0).random(40) < 0.5
        draws = resample_examples(np.array([row, row, ~row]), seed=1)
        assert draws.shape == (50, 3)
        np.testing.assert_array_equal(draws[:, 0], draws[:, 1])
        np.testing.assert_allclose(draws[:, 0] + draws[:, 2], 100)
        assert np.ptp(draws[:, 0]) > 0

    def test_blocks_and_other_rows_change_no_draw(self, monkeypatch):
        correct = np.random.default_rng(0).random((6, 30)) < 0.7
        whole = resample_examples(correct, seed=1)
        monkeypatch.setattr(resampling, "WEIGHTS_PER_BLOCK", 7 * 30)
        np.testing.assert_array_equal(resample_examples(correct[2:4], seed=1), whole[:, 2:4])

    def test_their_mean_and_spread_are_those_of_a_share(self):
        draws = resample_examples(np.arange(100)[None] < 30, seed=2)[:, 0]
        assert draws.mean() == pytest.approx(30, abs=5 * 4.58 / 2000**0.5)
        assert draws.std() == pytest.approx((100 * 0.3 * 0.7) ** 0.5, rel=0.08)


class TestBootstrap:
    @given(st.integers(2, 8), st.integers(0, 3))
    @settings(max_examples=20)
    def test_exchanging_the_runs_changes_the_signs(self, seeds, seed):
        draws = np.random.default_rng(seed).normal(1, 2, size=(200, seeds))
        low, high = bootstrap_interval(draws, seed=seed)
        assert bootstrap_interval(-draws, seed=seed) == pytest.approx((-high, -low), abs=1e-12)
        assert low < draws.mean() < high
        assert draws.min() <= low
        assert high <= draws.max()

    def test_the_same_seed_draws_the_same_interval(self):
        draws = np.random.default_rng(0).normal(size=(200, 5))
        first, again, other = (bootstrap_interval(draws, seed=seed) for seed in (3, 3, 4))
        assert first == again != other

    def test_seeds_that_all_differ_alike_have_an_interval_of_their_examples_only(self):
        column = np.random.default_rng(0).normal(size=(400, 1))
        interval = bootstrap_interval(np.repeat(column, 5, axis=1), seed=1)
        assert interval == pytest.approx(tuple(np.quantile(column, [0.025, 0.975])))

    def test_examples_without_chance_have_the_interval_of_resampled_seeds(self):
        """Of two seeds at 0 and 1: a quarter of the draws each way, half between."""
        low, high = bootstrap_interval(np.tile([0.0, 1.0], (400, 1)), seed=1)
        assert (low, high) == (0, 1)

    def test_it_covers_the_true_difference_which_intervals_of_examples_alone_do_not(
        self, monkeypatch
    ):
        """150 studies of ten seeds and 100 examples; no difference is true."""
        monkeypatch.setattr(resampling, "BOOTSTRAP_DRAWS", 200)
        random = np.random.default_rng(1)
        covered, by_examples = [], []
        for study in range(150):
            ease, skill = random.normal(size=100), random.normal(0, 0.5, size=(20, 1))
            correct = random.normal(size=(20, 100)) < ease + skill
            draws = resample_examples(correct, seed=study)
            draws = draws[:, :10] - draws[:, 10:]
            low, high = bootstrap_interval(draws, seed=study)
            covered.append(low <= 0 <= high)
            low, high = np.quantile(draws.mean(axis=1), [0.025, 0.975])
            by_examples.append(low <= 0 <= high)
        assert 0.87 <= np.mean(covered) <= 0.99
        assert np.mean(by_examples) < 0.8
