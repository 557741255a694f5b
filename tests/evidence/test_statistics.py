"""McNemar's test: counts, both p values, symmetry, and the table over pairs and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as reference

from deltaloss.core.errors import DataError
from deltaloss.core.runs import parse_run
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.provenance import RunResults
from deltaloss.evidence.statistics import COLUMNS, compare_runs, mcnemar, mcnemar_test

counts = st.integers(0, 400)


@given(counts, counts)
@example(150, 86)  # Agresti's approval ratings
@example(0, 1)
@example(0, 300)
def test_p_values_are_those_of_statsmodels(first, second):
    result = mcnemar_test(first, second)
    if first == second:  # statsmodels corrects a difference of 0 too
        assert (result["statistic"], result["p_value"], result["p_value_chi2"]) == (0, 1, 1)
        return
    table = [[3, first], [second, 5]]
    assert result["p_value"] == pytest.approx(reference(table, exact=True).pvalue, rel=1e-7)
    corrected = reference(table, exact=False, correction=True)
    assert result["statistic"] == pytest.approx(corrected.statistic, rel=1e-12)
    assert result["p_value_chi2"] == pytest.approx(corrected.pvalue, rel=1e-7)


@given(counts, counts)
def test_exchanging_the_runs_changes_no_p_value(first, second):
    one, other = mcnemar_test(first, second), mcnemar_test(second, first)
    assert one == pytest.approx(other, rel=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_counts_add_up(answers):
    first, second = (np.array(column, dtype=bool) for column in zip(*answers, strict=True))
    result = mcnemar(first, second)
    assert result["both"] + result["only_first"] == first.sum()
    assert result["both"] + result["only_second"] == second.sum()
    four = ("both", "only_first", "only_second", "neither")
    assert sum(result[name] for name in four) == len(answers)


def test_different_numbers_of_examples_are_refused():
    with pytest.raises(DataError, match="3 of one run and 2 of the other"):
        mcnemar(np.ones(3, dtype=bool), np.ones(2, dtype=bool))


def answers(rows: list[list[int]], digest: str = "same") -> Answers:
    """Rows are steps, columns are examples."""
    correct = np.array(rows, dtype=bool)
    finite = np.zeros(correct.shape[1], dtype=np.int32)
    return Answers(correct=correct, nonfinite_step=finite, provenance={"data_digest": digest})


DELTA = answers([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]])
PROGRESSIVE = answers([[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]])


def run(name: str, **by_weights: Answers) -> RunResults[Answers]:
    return RunResults(task="mazes", run=parse_run(name), by_weights=by_weights)


def test_runs_are_compared_at_three_choices_of_the_step():
    results = [run("delta", seed42=DELTA), run("progressive-1", seed42=PROGRESSIVE)]
    frame = compare_runs(results, train_steps=1)
    assert tuple(frame.columns) == COLUMNS
    frame = frame.set_index("comparison")
    at_best = frame.loc["maximum"]
    assert (at_best["first_step"], at_best["second_step"]) == (2, 2)
    assert (at_best["first_accuracy_percent"], at_best["second_accuracy_percent"]) == (75.0, 50.0)
    assert at_best[["both", "only_first", "only_second", "neither"]].tolist() == [1, 2, 1, 0]
    assert frame.loc["last", ["first_step", "only_first", "neither"]].tolist() == [3, 2, 2]
    assert frame.loc["train_steps", ["first_step", "only_second"]].tolist() == [1, 1]


def test_every_pair_is_compared_on_its_common_weights():
    several = {"seed1": DELTA, "seed2": PROGRESSIVE}
    results = [
        run("delta", **several, released=DELTA),
        run("progressive-0", **several),
        run("progressive-1", **several, released=PROGRESSIVE),
    ]
    frame = compare_runs(results, train_steps=1)
    last = frame[frame["comparison"] == "last"][["first", "second", "seed"]]
    assert [tuple(row) for row in last.fillna(-1).to_numpy()] == [
        ("delta", "progressive-0", 1),
        ("delta", "progressive-0", 2),
        ("delta", "progressive-1", 1),
        ("delta", "progressive-1", 2),
        ("delta", "progressive-1", -1),  # released: no seed
        ("progressive-0", "progressive-1", 1),
        ("progressive-0", "progressive-1", 2),
    ]


def test_one_run_has_the_columns_but_no_pair():
    frame = compare_runs([run("delta", seed42=DELTA)], train_steps=1)
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS


def test_runs_on_different_test_data_are_refused():
    other = run("progressive-1", seed42=answers([[1, 0, 0, 0]] * 3, digest="other"))
    with pytest.raises(DataError, match="mazes, seed42: delta and progressive-1 were evaluated on"):
        compare_runs([run("delta", seed42=DELTA), other], train_steps=1)
