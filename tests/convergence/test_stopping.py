"""Rules that stop a network, on traces made by hand and against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.convergence.stopping import (
    PATIENCE,
    RULES,
    most_confident,
    small_change,
    tabulate_stops,
    unchanged,
)
from deltaloss.convergence.trace import MEASURES, Trace
from tests.convergence.steps import trace

STEPS = 50


def made(**given) -> Trace:
    """Trace of one example that is finite and whose answer and state change at each step."""
    columns = {name: np.full(STEPS, 0.5) for name in MEASURES}
    columns |= {"answer_changed": np.ones(STEPS, bool), "correct": np.zeros(STEPS, bool), **given}
    single = {"nonfinite_step": 0, "radius": np.nan, "radius_residual": np.nan}
    return Trace(
        **{name: np.asarray(values)[:, None] for name, values in columns.items()},
        **{name: np.array([value]) for name, value in single.items()},
    )


def only(rule, found: Trace, *more) -> int:
    (step,) = rule(found, *more)
    return int(step)


def changes(*steps: int):
    return np.isin(np.arange(1, STEPS + 1), steps)


class TestUnchanged:
    def test_it_stops_once_the_answer_is_that_of_the_steps_before(self):
        assert only(unchanged, made(answer_changed=changes(1, 4))) == 4 + PATIENCE
        assert only(unchanged, made(answer_changed=changes())) == PATIENCE

    def test_a_later_change_of_the_answer_is_not_seen(self):
        found = made(answer_changed=changes(2, 2 + PATIENCE + 1))
        assert only(unchanged, found) == 2 + PATIENCE

    def test_an_answer_that_keeps_changing_is_taken_at_the_last_step(self):
        assert (
            only(unchanged, made(answer_changed=changes(*range(1, STEPS + 1, PATIENCE)))) == STEPS
        )

    def test_a_state_that_is_not_finite_has_no_answer(self):
        norm = np.where(np.arange(STEPS) < 5, 1.0, np.nan)
        assert only(unchanged, made(answer_changed=changes(1), norm=norm)) == STEPS


def test_the_first_of_the_surest_steps_counts():
    uncertainty = np.full(STEPS, 0.3)
    uncertainty[[20, 30]] = 0.1
    uncertainty[40:] = np.nan
    assert only(most_confident, made(uncertainty=uncertainty)) == 21
    assert only(most_confident, made(uncertainty=np.full(STEPS, np.nan))) == STEPS


def test_a_small_change_of_the_state_stops():
    change = np.geomspace(1, 1e-3, STEPS)
    step = only(small_change, made(state_change=change), 0.01)
    assert change[step - 1] <= 0.01 < change[step - 2]
    assert only(small_change, made(state_change=change), 1e-4) == STEPS
    change[20:] = np.nan
    assert only(small_change, made(state_change=change), 0.01) == STEPS


def test_the_answer_is_that_of_the_step_where_the_rule_stops():
    correct = changes(4 + PATIENCE)
    found = made(answer_changed=changes(4), correct=correct)
    columns = tabulate_stops(found)
    assert columns["unchanged_step"].tolist() == [4 + PATIENCE]
    assert columns["unchanged_correct"].tolist() == [True]
    assert columns["change_1e-04_correct"].tolist() == [False]
    assert set(columns) == {f"{rule}_{what}" for rule in RULES for what in ("step", "correct")}


@pytest.mark.parametrize("formula", [lambda s: 1 - 0.75 * (1 - s), lambda s: 1.5 - s])
def test_a_measured_network_stops_where_a_plain_loop_does(formula):
    found = trace(formula, 60, start=0.0)
    for example in range(3):
        kept = [
            step
            for step in range(PATIENCE, 61)
            if not found.answer_changed[step - PATIENCE : step, example].any()
        ]
        assert unchanged(found)[example] == (kept[0] if kept else 60)
        small = [step for step in range(1, 61) if found.state_change[step - 1, example] <= 1e-2]
        assert small_change(found, 1e-2)[example] == (small[0] if small else 60)
        surest = min(range(60), key=lambda row, e=example: found.uncertainty[row, e])
        assert most_confident(found)[example] == surest + 1
