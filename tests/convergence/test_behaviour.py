"""Behaviour, settled step and tables, from changes and norms alone."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.convergence.behaviour import (
    BEHAVIOURS,
    EXAMPLE_COLUMNS,
    GROWTH,
    LARGE,
    RESOLUTION,
    STEP_COLUMNS,
    classify,
    settled_steps,
    tabulate_examples,
    tabulate_steps,
    window,
)
from deltaloss.convergence.trace import Trace
from tests.docs.documents import ROOT
from tests.docs.test_columns import read_columns

STEPS = 40


def made(one=0.1, two=0.1, norm=1.0, changed=(), lost=0, steps=STEPS) -> Trace:
    """Trace of one example; `changed` are the steps at which its answer changes."""

    def column(values):
        rows = np.broadcast_to(np.asarray(values, dtype=np.float32), (steps,))[:, None].copy()
        if lost:
            rows[lost - 1 :] = np.nan
        return rows

    return Trace(
        state_change=column(one),
        two_step_change=column(two),
        logit_change=column(one),
        norm=column(norm),
        uncertainty=column(0.1),
        answer_changed=np.isin(np.arange(1, steps + 1), changed)[:, None],
        nonfinite_step=np.array([lost], dtype=np.int32),
        correct=np.zeros((steps, 1), dtype=bool),
        radius=np.array([np.nan]),
        radius_residual=np.array([np.nan]),
    )


def growing(factor):
    return np.geomspace(1, factor ** ((STEPS - 1) / (window(STEPS) - 1)), STEPS)


@pytest.mark.parametrize(
    ("trace", "behaviour"),
    [
        (made(one=RESOLUTION), "fixed point"),
        (made(one=1.01 * RESOLUTION), "drifting"),
        (made(one=LARGE, two=RESOLUTION), "cycle of two"),
        (made(one=0.99 * LARGE, two=RESOLUTION), "drifting"),
        (made(one=1.0, two=1.01 * RESOLUTION), "drifting"),
        (made(norm=growing(1.001 * GROWTH)), "growing"),
        (made(norm=growing(0.999 * GROWTH)), "drifting"),
        (made(one=0.0, norm=0.0), "fixed point"),
        (made(one=0.0, lost=STEPS), "not finite"),
        (made(lost=1), "not finite"),
    ],
)
def test_each_threshold_separates_two_behaviours(trace, behaviour):
    assert behaviour in BEHAVIOURS
    assert classify(trace).tolist() == [behaviour]


@pytest.mark.parametrize(("step", "behaviour"), [(31, "drifting"), (30, "fixed point")])
def test_the_whole_window_is_judged_and_no_step_before_it(step, behaviour):
    change = np.zeros(STEPS)
    change[step - 1] = 1.0
    assert classify(made(one=change)).tolist() == [behaviour]


def test_a_norm_that_grew_and_fell_again_is_not_growing():
    norm = np.ones(STEPS)
    norm[-5:-3], norm[-1] = 3.0, 2.0
    assert classify(made(norm=norm)).tolist() == ["drifting"]


def test_a_cycle_is_never_found_in_one_step():
    assert classify(made(one=1.0, two=np.nan, steps=1)).tolist() == ["drifting"]


@pytest.mark.parametrize(
    ("steps", "last"), [(1, 1), (2, 1), (6, 3), (20, 10), (100, 10), (101, 10), (500, 50)]
)
def test_the_window_is_ten_steps_or_a_tenth_and_at_most_a_half(steps, last):
    assert window(steps) == last


@pytest.mark.parametrize(
    ("trace", "step"),
    [
        (made(changed=[2, 7]), 7),
        (made(changed=[]), 1),
        (made(changed=[30]), 30),
        (made(changed=[31]), np.nan),
        (made(changed=[2], lost=9), np.nan),
    ],
)
def test_the_settled_step_is_the_last_change_before_the_window(trace, step):
    np.testing.assert_array_equal(settled_steps(trace), [step])


def joined(*traces: Trace) -> Trace:
    return Trace(
        **{
            name: np.concatenate([getattr(one, name) for one in traces], -1)
            for name in Trace.__dataclass_fields__
        }
    )


def test_a_row_per_step_has_quantiles_over_the_finite_examples():
    traces = [made(one=change, changed=[3], norm=5.0) for change in np.linspace(1, 3, 11)]
    table = tabulate_steps(joined(*traces, made(one=9.0, lost=3))).set_index("step")
    assert ("step", *table.columns) == STEP_COLUMNS
    assert table["examples"].tolist() == [12, 12] + [11] * (STEPS - 2)
    row = table.loc[3]
    quantiles = [row[f"state_change{ending}"] for ending in ("_p10", "", "_p90")]
    assert quantiles == pytest.approx([1.2, 2.0, 2.8])
    assert row["answers_changed_percent"] == 100
    assert table["answers_changed_percent"].sum() == 100


def test_steps_without_a_finite_example_are_empty():
    table = tabulate_steps(made(lost=3)).set_index("step")
    assert table.loc[2].notna().all()
    assert table.loc[3].drop(["examples", "correct_percent"]).isna().all()
    assert table.loc[3, "correct_percent"] == 0


def test_a_row_per_example_has_its_end():
    table = tabulate_examples(joined(made(changed=[4]), made(lost=5), made(changed=[STEPS])))
    assert tuple(table.columns) == EXAMPLE_COLUMNS
    assert table["behaviour"].tolist() == ["drifting", "not finite", "drifting"]
    assert table["nonfinite_step"].tolist() == [0, 5, 0]
    assert table["settled_step"].tolist()[0] == 4
    assert table["settled_step"].isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("heading", "columns"),
    [("Convergence by step", STEP_COLUMNS), ("Convergence by example", EXAMPLE_COLUMNS)],
)
def test_the_documented_columns_are_those_of_the_tables(heading, columns):
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert sorted(documented) == sorted(columns)
