"""The comparison of every two runs, seed by seed."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from deltaloss.core.errors import DataError
from deltaloss.evidence.statistics import COLUMNS, COMPARISONS, choose_steps, compare_runs

from .answers import answers, run, steps

DELTA = answers([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]])
PROGRESSIVE = answers([[0, 0, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0]])


def test_runs_are_compared_at_each_choice_of_the_step():
    results = [run("delta", seed42=DELTA), run("progressive-1", seed42=PROGRESSIVE)]
    frame = compare_runs(results, steps(results, 1))
    assert tuple(frame.columns) == COLUMNS
    frame = frame.set_index("comparison")
    at_best = frame.loc["maximum"]
    assert (at_best["first_step"], at_best["second_step"]) == (2, 2)
    assert (at_best["first_accuracy_percent"], at_best["second_accuracy_percent"]) == (75.0, 50.0)
    assert at_best[["both", "only_first", "only_second", "neither"]].tolist() == [1, 2, 1, 0]
    assert frame.loc["last", ["first_step", "only_first", "neither"]].tolist() == [3, 2, 2]
    assert frame.loc["train_steps", ["first_step", "only_second"]].tolist() == [1, 1]


def test_a_step_chosen_on_validation_is_the_last_of_the_best_ones():
    """Smaller puzzles are solved in fewer steps: the first of the best ones would be too early."""
    results = [run("delta", seed42=DELTA), run("progressive-1", seed42=PROGRESSIVE)]
    validations = [
        run("progressive-1", seed42=answers([[1, 1], [1, 0], [1, 0]])),
        run("delta", seed42=answers([[1, 0], [1, 1], [1, 1]])),
    ]
    frame = compare_runs(results, choose_steps(results, validations, train_steps=2))
    row = frame.set_index("comparison").loc["validation"]
    assert (row["first_step"], row["second_step"]) == (3, 1)
    assert row[["only_first", "only_second"]].tolist() == [2, 1]


def test_every_pair_is_compared_on_its_common_weights():
    several = {"seed1": DELTA, "seed2": PROGRESSIVE}
    results = [
        run("delta", **several, released=DELTA),
        run("progressive-0", **several),
        run("progressive-1", **several, released=PROGRESSIVE),
    ]
    frame = compare_runs(results, steps(results, 1))
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


def test_p_values_are_adjusted_over_the_pairs_and_seeds_of_one_comparison():
    random = np.random.default_rng(0)
    results = [
        run(name, **{f"seed{seed}": answers(random.random((3, 60)) < share) for seed in (1, 2)})
        for name, share in {"delta": 0.9, "progressive-0": 0.6, "progressive-1": 0.75}.items()
    ]
    frame = compare_runs(results, steps(results, 2))
    assert len(frame) == 3 * 2 * len(COMPARISONS)
    for _, family in frame.groupby("comparison"):
        expected = multipletests(family["p_value"], method="holm")[1]
        assert family["p_value_holm"].to_numpy() == pytest.approx(expected, rel=1e-12)
        assert (family["p_value_holm"] > family["p_value"]).any()


def test_one_run_has_the_columns_but_no_pair():
    frame = compare_runs([run("delta", seed42=DELTA)], steps([run("delta", seed42=DELTA)], 1))
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS


@pytest.mark.parametrize("seed", ["seed42", "seed7"])
def test_runs_on_different_test_data_are_refused(seed):
    other = run("progressive-1", **{seed: answers([[1, 0, 0, 0]] * 3, digest="other")})
    named = f"mazes: delta, seed42 and progressive-1, {seed} were evaluated on different test data"
    with pytest.raises(DataError, match=named):
        compare_runs(
            [run("delta", seed42=DELTA), other], steps([run("delta", seed42=DELTA), other], 1)
        )
