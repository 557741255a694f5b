"""The table of every seed, and the comparison of two runs over their common seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaloss.core.errors import DataError
from deltaloss.evaluation.answers import Answers
from deltaloss.evidence.over_seeds import (
    OVER_SEEDS_COLUMNS,
    SEEDS_COLUMNS,
    compare_over_seeds,
    tabulate_seeds,
)
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.statistics import COMPARISONS

from .answers import answers, run, steps

TESTS = ("p_value_solved", "p_value_sign_flip")
LIMITS = ("mean_difference_low_points", "mean_difference_high_points")


def first_right(*counts: int) -> Answers:
    """Of 200 examples, the first ones are right: so many after each step."""
    return answers([[example < count for example in range(200)] for count in counts])


# Steps 1, 2 and 3; T is 2.
DELTA = run(
    "delta",
    seed1=first_right(10, 200, 190),  # solved at its maximum and at T
    seed2=first_right(10, 100, 198),  # solved at its maximum and at the last step: 99 %
    seed3=first_right(40, 20, 0),  # failed
)
PROGRESSIVE = run(
    "progressive-1",
    seed1=first_right(10, 197, 190),  # 98.5 % is not solved
    seed2=first_right(4, 5, 6),
    seed3=first_right(20, 10, 0),
)


def over_seeds(*results, comparison: str = "maximum") -> pd.Series:
    frame = compare_over_seeds(results, steps(results, 2))
    assert tuple(frame.columns) == OVER_SEEDS_COLUMNS
    return frame.set_index("comparison").loc[comparison]


class TestEverySeed:
    def test_each_run_seed_and_comparison_has_a_row(self):
        released = run("progressive-0", released=first_right(1, 2, 3))
        frame = tabulate_seeds([DELTA, released], steps([DELTA, released], 2))
        assert tuple(frame.columns) == SEEDS_COLUMNS
        assert frame["comparison"].tolist() == list(COMPARISONS) * 4
        assert frame["seed"].fillna(-1).tolist() == [s for s in (1, 2, 3, -1) for _ in range(4)]

    def test_a_row_holds_the_figures_of_its_step(self):
        frame = tabulate_seeds([DELTA], steps([DELTA], 2)).set_index(["seed", "comparison"])
        assert frame.loc[2, "step"].to_dict() == dict(zip(COMPARISONS, (3, 3, 2, 3), strict=True))
        assert frame.loc[2, "correct"].tolist() == [198, 198, 100, 198]
        assert frame.loc[2, "solved"].tolist() == [True, True, False, True]
        assert (frame.loc[2, "steps_until_max_accuracy"] == 3).all()
        row = frame.loc[(2, "train_steps")]
        assert (row["examples"], row["accuracy_percent"]) == (200, 50)
        limits = [row["low_percent"], row["high_percent"]]
        assert limits == pytest.approx([100 * one for one in wilson_interval(100, 200)])

    def test_overflows_are_counted_up_to_the_step(self):
        rows = [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
        frame = tabulate_seeds(
            [run("delta", seed1=answers(rows, overflow=2))],
            steps([run("delta", seed1=answers(rows, overflow=2))], 2),
        )
        assert frame.set_index("comparison")["not_finite"].tolist() == [0, 0, 1, 1]


class TestOverSeeds:
    def test_accuracies_are_summarized_over_the_common_seeds(self):
        extra = run("delta", **DELTA.by_weights, seed9=first_right(0, 0, 0))
        row = over_seeds(extra, PROGRESSIVE)
        assert (row["seeds"], row["examples"]) == (3, 200)
        names = ("median_percent", "min_percent", "max_percent")
        assert [row[f"first_{name}"] for name in names] == [99, 20, 100]
        assert [row[f"second_{name}"] for name in names] == [10, 3, 98.5]
        assert row["median_difference_points"] == 10  # of 1.5, 96 and 10
        assert row["mean_difference_points"] == pytest.approx((1.5 + 96 + 10) / 3)

    def test_seeds_are_paired_whatever_their_order(self):
        turned = run("progressive-1", **dict(reversed(PROGRESSIVE.by_weights.items())))
        frames = [
            compare_over_seeds([DELTA, other], steps([DELTA, other], 2))
            for other in (PROGRESSIVE, turned)
        ]
        pd.testing.assert_frame_equal(*frames)

    def test_steps_are_those_of_solved_seeds_only(self):
        row = over_seeds(DELTA, PROGRESSIVE)
        steps = ("solved_steps_median", "solved_steps_min", "solved_steps_max")
        assert [row[f"first_{name}"] for name in ("solved", *steps)] == [2, 2.5, 2, 3]
        assert row["second_solved"] == 0
        assert row[[f"second_{name}" for name in steps]].isna().all()
        row = over_seeds(DELTA, PROGRESSIVE, comparison="train_steps")
        assert [row[f"first_{name}"] for name in ("solved", *steps)] == [1, 2, 2, 2]

    def test_solved_seeds_and_differences_are_tested(self):
        row = over_seeds(DELTA, PROGRESSIVE)
        assert row["p_value_solved"] == pytest.approx(0.4)  # 2 of 3 against 0 of 3
        assert row["p_value_sign_flip"] == 2 / 8
        low, high = row[list(LIMITS)]
        assert 0 < low < row["mean_difference_points"] < high < 100

    def test_exchanging_the_runs_changes_the_signs(self):
        for comparison in COMPARISONS:
            one = over_seeds(DELTA, PROGRESSIVE, comparison=comparison)
            other = over_seeds(PROGRESSIVE, DELTA, comparison=comparison)
            assert one[list(TESTS)].tolist() == other[list(TESTS)].tolist()
            for name in ("median_difference_points", "mean_difference_points"):
                assert one[name] == -other[name]
            turned = [-other[name] for name in reversed(LIMITS)]
            assert one[list(LIMITS)].tolist() == pytest.approx(turned, abs=1e-9)

    def test_a_run_does_not_differ_from_itself(self):
        same = run("progressive-1", **DELTA.by_weights)
        row = over_seeds(DELTA, same)
        assert row[list(TESTS)].tolist() == [1, 1]
        assert row[list(LIMITS)].tolist() == [0, 0]

    def test_other_runs_beside_it_change_no_row(self):
        alone = compare_over_seeds([DELTA, PROGRESSIVE], steps([DELTA, PROGRESSIVE], 2))
        third = run("progressive-0", **PROGRESSIVE.by_weights, released=first_right(1, 2, 3))
        beside = compare_over_seeds(
            [third, DELTA, PROGRESSIVE], steps([third, DELTA, PROGRESSIVE], 2)
        )
        pair = beside[(beside["first"] == "delta") & (beside["second"] == "progressive-1")]
        pd.testing.assert_frame_equal(pair.reset_index(drop=True), alone)

    def test_one_seed_has_a_row_and_no_test(self):
        row = over_seeds(
            run("delta", seed1=DELTA.by_weights["seed1"], released=first_right(1, 2, 3)),
            run(
                "progressive-1",
                seed1=PROGRESSIVE.by_weights["seed1"],
                released=first_right(1, 1, 1),
            ),
        )
        assert row[[*TESTS, *LIMITS]].isna().all()
        assert (row["seeds"], row["first_solved"], row["second_solved"]) == (1, 1, 0)
        assert row["mean_difference_points"] == row["median_difference_points"] == 1.5

    def test_runs_without_a_common_seed_have_no_row(self):
        released = run("progressive-0", released=first_right(1, 2, 3))
        other = run("progressive-1", seed7=first_right(1, 2, 3))
        frame = compare_over_seeds([DELTA, released, other], steps([DELTA, released, other], 2))
        assert len(frame) == 0
        assert tuple(frame.columns) == OVER_SEEDS_COLUMNS

    def test_seeds_on_different_test_data_are_refused(self):
        other = run("delta", seed1=DELTA.by_weights["seed1"], seed2=answers([[1] * 200] * 3, "b"))
        with pytest.raises(DataError, match="mazes: delta, seed1 and delta, seed2 were evaluated"):
            compare_over_seeds([other, PROGRESSIVE], steps([other, PROGRESSIVE], 2))


def test_the_interval_is_the_bootstrap_s_of_the_chosen_steps():
    """Computed again, one draw at a time: seeds, then the same examples for all of them."""
    random = np.random.default_rng(5)
    shares = {"delta": 0.8, "progressive-1": 0.6}
    results = [
        run(
            name,
            **{f"seed{s}": answers(random.random((3, 150)) < share + 0.04 * s) for s in range(4)},
        )
        for name, share in shares.items()
    ]
    row = over_seeds(*results, comparison="last")
    right = [np.array([one.correct[-1] for one in r.by_weights.values()]) for r in results]
    draws = []
    for _ in range(4000):
        seeds, examples = random.integers(4, size=4), random.integers(150, size=150)
        first, second = (rows[np.ix_(seeds, examples)].mean() for rows in right)
        draws.append(100 * (first - second))
    expected = np.quantile(draws, [0.025, 0.975])
    assert row[list(LIMITS)].tolist() == pytest.approx(expected, abs=0.5)
