"""Tests and intervals of one pair of runs, beside statsmodels, R and another computation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar as reference
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from deltaloss.core.errors import DataError
from deltaloss.evidence.paired import (
    PAIRED_COLUMNS,
    accuracy_difference,
    compare_answers,
    holm,
    mcnemar_test,
    odds_ratio,
    wilson_interval,
)

counts = st.integers(0, 400)
tables = st.tuples(counts, counts, counts, counts).filter(any)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30)

# Complete response before and after consolidation therapy (Cavo et al., 2012). Values printed by
# the R package contingencytables (Fagerland, Lydersen and Laake), in its own tests.
CAVO = (59, 6, 16, 80)


def difference(table: tuple[int, int, int, int]) -> list[float]:
    return list(accuracy_difference(*table).values())


class TestMcNemar:
    @given(counts, counts)
    @example(150, 86)  # Agresti's approval ratings
    @example(0, 1)
    @example(0, 300)
    def test_p_values_are_those_of_statsmodels(self, first, second):
        result = mcnemar_test(first, second)
        if first == second:  # statsmodels corrects a difference of 0 too
            assert (result["statistic"], result["p_value"], result["p_value_chi2"]) == (0, 1, 1)
            return
        table = [[3, first], [second, 5]]
        assert result["p_value"] == pytest.approx(reference(table, exact=True).pvalue, rel=1e-7)
        corrected = reference(table, exact=False, correction=True)
        assert result["statistic"] == pytest.approx(corrected.statistic, rel=1e-12)
        assert result["p_value_chi2"] == pytest.approx(corrected.pvalue, rel=1e-7)

    def test_p_values_are_those_of_contingencytables(self):
        result = mcnemar_test(*CAVO[1:3])
        assert result["p_value"] == pytest.approx(0.052479, abs=5e-7)
        assert result["p_value_mid"] == pytest.approx(0.034690, abs=5e-7)
        assert result["p_value_chi2"] == pytest.approx(0.055009, abs=5e-7)

    @given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    @example((0, 1))
    @example((4, 8))
    def test_mid_p_counts_outcomes_as_extreme_as_the_observed_one_by_half(self, drawn):
        first, discordant = drawn
        outcomes = np.arange(discordant + 1)
        chances = np.array([math.comb(discordant, k) / 2**discordant for k in outcomes])
        distance = np.abs(2 * outcomes - discordant)
        observed = abs(2 * first - discordant)
        expected = chances[distance > observed].sum() + chances[distance == observed].sum() / 2
        result = mcnemar_test(first, discordant - first)
        assert result["p_value_mid"] == pytest.approx(expected, rel=1e-9)

    @given(counts, counts)
    def test_exchanging_the_runs_changes_no_p_value(self, first, second):
        one, other = mcnemar_test(first, second), mcnemar_test(second, first)
        assert one == pytest.approx(other, rel=1e-12)

    @given(counts, counts)
    def test_mid_p_is_positive_and_below_the_exact_p(self, first, second):
        assume(first + second)
        result = mcnemar_test(first, second)
        assert 0 < result["p_value_mid"] < result["p_value"]


class TestOddsRatio:
    def test_the_interval_is_that_of_contingencytables(self):
        """Ezra et al. (2010), 25 and 2 discordant pairs."""
        result = list(odds_ratio(25, 2).values())
        assert result == pytest.approx([12.5, 3.1169, 108.8892], abs=5e-5)

    @given(counts, counts)
    def test_limits_are_the_odds_at_which_a_tail_is_2_5_percent(self, first, second):
        _, low, high = odds_ratio(first, second).values()
        pairs = first + second
        if first:
            assert stats.binom.sf(first - 1, pairs, low / (1 + low)) == pytest.approx(0.025)
        else:
            assert low == 0
        if second:
            assert stats.binom.cdf(first, pairs, high / (1 + high)) == pytest.approx(0.025)
        else:
            assert high == math.inf

    @given(counts, counts)
    def test_exchanging_the_runs_inverts_it(self, first, second):
        assume(first and second)
        ratio, low, high = odds_ratio(first, second).values()
        other = list(odds_ratio(second, first).values())
        assert other == pytest.approx([1 / ratio, 1 / high, 1 / low], rel=1e-6)
        assert low < ratio < high

    def test_without_discordant_pairs_of_a_run_it_has_a_limit_on_one_side(self):
        ratio, low, high = odds_ratio(9, 0).values()
        assert (ratio, high) == (math.inf, math.inf)
        assert low == pytest.approx(0.025 ** (1 / 9) / (1 - 0.025 ** (1 / 9)))
        assert list(odds_ratio(0, 9).values()) == pytest.approx([0, 0, 1 / low])

    def test_without_any_discordant_pair_it_is_unknown(self):
        ratio, low, high = odds_ratio(0, 0).values()
        assert math.isnan(ratio)
        assert (low, high) == (0, math.inf)


class TestAccuracyDifference:
    def test_the_interval_is_that_of_contingencytables(self):
        assert difference(CAVO) == pytest.approx([-6.21, -11.86, -0.46], abs=0.005)

    @given(tables)
    def test_without_correlation_it_is_newcombe_s_interval_of_independent_shares(self, table):
        """Statsmodels has that one, by the same Wilson intervals."""
        both, only_first, only_second, neither = table
        product = both * neither - only_first * only_second
        assume(0 <= product <= sum(table) / 2)
        result = confint_proportions_2indep(
            *(both + only_first, sum(table), both + only_second, sum(table)),
            compare="diff",
            method="newcomb",
        )
        assert difference(table)[1:] == pytest.approx([100 * one for one in result], abs=1e-6)

    @given(tables)
    @example((400, 0, 0, 0))
    @example((0, 0, 0, 1))
    @example((0, 400, 0, 0))
    def test_it_holds_the_difference_and_keeps_inside_its_range(self, table):
        middle, low, high = difference(table)
        assert -100 - 1e-9 <= low <= middle <= high <= 100 + 1e-9
        assert low < high
        _, only_first, only_second, _ = table
        assert middle == pytest.approx(100 * (only_first - only_second) / sum(table))

    @given(tables)
    def test_exchanging_the_runs_changes_the_signs(self, table):
        both, only_first, only_second, neither = table
        middle, low, high = difference(table)
        other = difference((both, only_second, only_first, neither))
        assert other == pytest.approx([-middle, -high, -low], abs=1e-9)

    @pytest.mark.parametrize(
        "table", [(7000, 900, 700, 1400), (9200, 30, 60, 710), (100, 2000, 1500, 6400)]
    )
    def test_with_many_examples_it_is_nearly_tango_s(self, table):
        """Within a tenth of the width: another derivation, and the same limit."""
        low, high = tango(table)
        _, ours_low, ours_high = difference(table)
        assert [ours_low, ours_high] == pytest.approx([low, high], abs=(high - low) / 10)

    def test_tango_s_interval_here_is_that_of_contingencytables(self):
        assert tango(CAVO) == pytest.approx([-12.40, -0.54], abs=0.005)


def tango(table: tuple[int, int, int, int]) -> list[float]:
    """Score interval of Tango (1998), by inverting the test; percentage points."""
    _, only_first, only_second, _ = table
    examples = sum(table)

    def score(difference: float) -> float:
        a = 2 * examples
        b = (2 * examples - only_first + only_second) * difference - only_first - only_second
        c = -only_second * difference * (1 - difference)
        share = (math.sqrt(max(b * b - 4 * a * c, 0)) - b) / (2 * a)
        variance = examples * (2 * share + difference * (1 - difference))
        return (only_first - only_second - examples * difference) / math.sqrt(variance)

    middle = (only_first - only_second) / examples
    z = stats.norm.ppf(0.975)
    low = optimize.brentq(lambda one: score(one) - z, -0.99, middle)
    high = optimize.brentq(lambda one: score(one) + z, middle, 0.99)
    return [100 * low, 100 * high]


class TestWilson:
    @given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
    @example((0, 1))
    @example((10_000, 10_000))
    def test_it_is_that_of_statsmodels(self, drawn):
        ours = wilson_interval(*drawn)
        assert ours == pytest.approx(proportion_confint(*drawn, method="wilson"), abs=1e-12)
        assert 0 <= ours[0] <= drawn[0] / drawn[1] <= ours[1] <= 1


class TestHolm:
    @given(p_values)
    @settings(max_examples=30)  # statsmodels takes 25 ms
    @example([0.01, 0.04, 0.03, 0.005])
    @example([0.02, 0.02, 0.02])
    def test_it_is_that_of_statsmodels(self, values):
        expected = multipletests(values, method="holm")[1]
        assert holm(values) == pytest.approx(expected, rel=1e-12)

    @given(p_values)
    def test_it_keeps_the_order_and_lies_between_the_p_value_and_bonferroni(self, values):
        adjusted, raw = holm(values), np.array(values)
        order = np.argsort(raw, kind="stable")
        assert (np.diff(adjusted[order]) >= 0).all()
        assert (adjusted >= raw).all()
        assert (adjusted <= np.minimum(len(raw) * raw, 1) + 1e-15).all()

    def test_no_p_values_are_adjusted_to_none(self):
        assert holm([]).tolist() == []


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_counts_add_up(answers):
    first, second = (np.array(column, dtype=bool) for column in zip(*answers, strict=True))
    result = compare_answers(first, second)
    assert tuple(result) == PAIRED_COLUMNS
    assert result["both"] + result["only_first"] == first.sum()
    assert result["both"] + result["only_second"] == second.sum()
    assert result["both"] == sum(one and other for one, other in answers)
    four = ("both", "only_first", "only_second", "neither")
    assert sum(result[name] for name in four) == len(answers)
    assert result["difference_points"] == pytest.approx(100 * (first.mean() - second.mean()))


def test_different_numbers_of_examples_are_refused():
    with pytest.raises(DataError, match="3 of one run and 2 of the other"):
        compare_answers(np.ones(3, dtype=bool), np.ones(2, dtype=bool))
