"""McNemar's test: counts, both p values, symmetry, and the table over pairs and seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.errors import DataError
from deltaloss.records import Evaluation
from deltaloss.statistics import COLUMNS, McNemar, compare_runs, mcnemar

counts = st.integers(0, 400)


def table(only_first: int, only_second: int) -> McNemar:
    return McNemar(both=3, only_first=only_first, only_second=only_second, neither=5)


def exact(only_first: int, only_second: int) -> float:
    """The definition: twice the smaller tail of a fair binomial, at most 1."""
    n, least = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(n, i) for i in range(least + 1))
    return min(1.0, 2 * tail / 2**n)


def evaluation(rows: list[list[int]], digest: str = "same") -> Evaluation:
    """Rows are steps, columns are examples."""
    correct = np.array(rows, dtype=bool)
    return Evaluation(
        correct=correct,
        nonfinite_step=np.zeros(correct.shape[1], dtype=np.int32),
        periodic_step=np.zeros(correct.shape[1], dtype=np.int32),
        period=np.zeros(correct.shape[1], dtype=np.int32),
        provenance={"data_digest": digest},
    )


class TestMcNemar:
    def test_a_textbook_example(self):
        """Agresti's approval ratings: 150 against 86 of 1,600; z squared is (86-150)^2/236."""
        result = table(150, 86)
        assert result.statistic == pytest.approx((64 - 1) ** 2 / 236)
        assert result.p_value_chi2 == pytest.approx(4.115e-5, rel=1e-3)
        assert result.p_value == pytest.approx(exact(150, 86), rel=1e-9)

    def test_no_discordant_example_says_nothing(self):
        assert (table(0, 0).statistic, table(0, 0).p_value, table(0, 0).p_value_chi2) == (0, 1, 1)

    @given(counts, counts)
    def test_exact_p_value_is_the_binomial_tail(self, first, second):
        assert table(first, second).p_value == pytest.approx(exact(first, second), rel=1e-7)

    @given(counts, counts)
    def test_order_of_the_runs_changes_no_p_value(self, first, second):
        one, other = table(first, second), table(second, first)
        assert one.statistic == other.statistic
        assert one.p_value == pytest.approx(other.p_value, rel=1e-12)

    @given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
    def test_counts_add_up(self, answers):
        first, second = (np.array(column, dtype=bool) for column in zip(*answers, strict=True))
        result = mcnemar(first, second)
        assert result.both + result.only_first == first.sum()
        assert result.both + result.only_second == second.sum()
        total = result.both + result.only_first + result.only_second + result.neither
        assert total == len(answers)

    def test_other_numbers_of_examples_are_refused(self):
        with pytest.raises(DataError, match="3 of one run and 2 of the other"):
            mcnemar(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


class TestCompareRuns:
    delta = evaluation([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]])
    progressive = evaluation([[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]])

    def compare(self, **others):
        runs = {"delta": {42: self.delta}, "progressive-1": {42: self.progressive}, **others}
        return compare_runs(runs, task="mazes", train_steps=1)

    def test_each_run_at_its_own_best_step(self):
        row = self.compare().query("comparison == 'maximum'").iloc[0]
        assert (row["first_step"], row["second_step"]) == (2, 2)
        assert (row["first_accuracy_percent"], row["second_accuracy_percent"]) == (75.0, 50.0)
        counted = row[["both", "only_first", "only_second", "neither"]].tolist()
        assert counted == [1, 2, 1, 0]

    def test_last_step_and_training_steps(self):
        frame = self.compare().set_index("comparison")
        assert frame.loc["last", ["first_step", "only_first", "neither"]].tolist() == [3, 2, 2]
        assert frame.loc["train_steps", ["first_step", "only_second"]].tolist() == [1, 1]

    def test_every_pair_and_seed(self):
        both = {1: self.delta, 2: self.progressive}
        frame = compare_runs({"a": both, "b": both, "c": both}, task="mazes", train_steps=1)
        assert tuple(frame.columns) == COLUMNS
        chosen = frame[frame["comparison"] == "last"][["first", "second", "seed"]]
        pairs = [("a", "b"), ("a", "c"), ("b", "c")]
        expected = [(*pair, seed) for pair in pairs for seed in (1, 2)]
        assert list(chosen.itertuples(index=False, name=None)) == expected

    def test_one_run_has_no_pair_but_the_columns(self):
        frame = compare_runs({"delta": {42: self.delta}}, task="mazes", train_steps=1)
        assert len(frame) == 0
        assert tuple(frame.columns) == COLUMNS

    def test_different_test_data_are_refused(self):
        other = evaluation([[1, 0, 0, 0]] * 3, digest="other")
        with pytest.raises(DataError, match="mazes, seed 42: delta and x were evaluated on diff"):
            self.compare(x={42: other})
