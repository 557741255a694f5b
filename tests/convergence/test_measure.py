"""Measured changes against closed forms, the evaluation's answers, and memory."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch
from scipy.special import expit

from deltaloss.convergence import measure as module
from deltaloss.convergence.behaviour import classify, settled_steps, tabulate_steps
from deltaloss.convergence.measure import RADIUS_EXAMPLES, measure
from deltaloss.convergence.trace import MEASURES
from deltaloss.evaluation.loop import evaluate
from deltaloss.puzzles.base import load_task
from tests.convergence.steps import WIDTH, Formula, trace
from tests.evaluation.problems import SIZES, answered, random_examples, random_network
from tests.evaluation.test_loop import exploding_network


def test_geometric_convergence_has_its_slope_its_settled_step_and_its_radius():
    """s_t = 1 - 0.75 (1 - s_(t-1)) from s_0 = 0: a half is passed at step 3."""
    found = trace(lambda state: 1 - 0.75 * (1 - state), 60, start=0.0)
    step = np.arange(1, 61)
    state = 1 - 0.75**step
    early = slice(0, 12)  # before rounding shows
    expected = 0.25 * 0.75 ** (step - 1) / state
    np.testing.assert_allclose(found.state_change[early, 1], expected[early], rtol=1e-4)
    slopes = np.diff(np.log(found.state_change[5:15, 1] * state[5:15]))
    np.testing.assert_allclose(slopes, np.log(0.75), rtol=1e-3)
    two = (0.75 ** (step - 2) - 0.75**step) / state
    assert np.isnan(found.two_step_change[0]).all()
    np.testing.assert_allclose(found.two_step_change[1:12, 1], two[1:12], rtol=1e-4)
    np.testing.assert_allclose(found.norm[:, 2], state * np.sqrt(WIDTH * 5), rtol=1e-5)
    logits = state - 0.5
    expected = (0.25 * 0.75 ** (step - 1) / np.abs(logits))[early]
    np.testing.assert_allclose(found.logit_change[early, 0], expected, rtol=1e-4)
    assert classify(found).tolist() == ["fixed point"] * 3
    assert settled_steps(found).tolist() == [3, 3, 3]
    np.testing.assert_allclose(found.radius, 0.75, rtol=1e-6)
    np.testing.assert_allclose(found.uncertainty[:, 0], expit(-np.abs(logits)), rtol=1e-5)


def test_a_cycle_of_two_comes_back_after_two_steps_and_never_settles():
    found = trace(lambda state: 1.5 - state, 30)
    assert (found.two_step_change[1:] == 0).all()
    np.testing.assert_allclose(found.state_change[::2], 1.0)  # from 1 to 0.5
    np.testing.assert_allclose(found.state_change[1::2], 0.5)
    assert found.answer_changed.all()
    assert classify(found).tolist() == ["cycle of two"] * 3
    assert np.isnan(settled_steps(found)).all()
    np.testing.assert_allclose(found.radius, 1.0, rtol=1e-6)


def test_a_state_that_grows_is_growing_until_it_is_not_finite():
    found = trace(lambda state: 2 * state, 100)
    np.testing.assert_allclose(found.state_change, 0.5)
    assert classify(found).tolist() == ["growing"] * 3
    np.testing.assert_allclose(found.radius, 2.0, rtol=1e-6)
    found = trace(lambda state: 2 * state, 140)
    assert found.nonfinite_step.tolist() == [128] * 3  # 2^128 is beyond float32
    assert classify(found).tolist() == ["not finite"] * 3
    assert np.isnan(found.norm[127:]).all()
    assert not np.isnan(found.norm[:127]).any()
    assert np.isnan(found.radius).all()
    assert not found.correct.any()
    assert tabulate_steps(found)["examples"].tolist() == [3] * 127 + [0] * 13


def test_a_state_of_zeros_is_a_fixed_point():
    found = trace(lambda state: state * 0, 20)
    assert (found.state_change[1:] == 0).all()
    assert classify(found).tolist() == ["fixed point"] * 3
    np.testing.assert_array_equal(found.radius, 0)


@pytest.fixture
def no_radius(monkeypatch):
    """Spare the time of spectral radii."""
    monkeypatch.setattr(module, "RADIUS_EXAMPLES", 0)


@pytest.mark.usefixtures("no_radius")
@pytest.mark.parametrize("name", SIZES)
def test_answers_are_those_of_the_evaluation(name):
    network, examples, task = random_network(name), random_examples(name, 7), load_task(name)
    examples = answered(name, network, examples, 2)
    examples.targets[:3] = answered(name, network, examples, 4).targets[:3]
    stored = evaluate(network, examples, task=task, steps=4, batch_size=7).correct
    assert 0 < stored.sum() < stored.size
    for steps in range(1, 5):
        found = measure(network, examples, task=task, steps=steps, batch_size=3)
        np.testing.assert_array_equal(found.correct, stored[:steps])
    with torch.no_grad():
        states = network.unroll(task.encode(examples.inputs), 4)
        answers = torch.stack([task.answer(network.readout(s), examples.inputs) for s in states])
    changed = (answers[1:] != answers[:-1]).flatten(2).any(2).numpy()
    np.testing.assert_array_equal(found.answer_changed, changed)


@pytest.mark.usefixtures("no_radius")
def test_an_overflow_is_at_the_evaluation_s_step():
    name = "prefix_sums"
    network, examples, task = exploding_network(name), random_examples(name, 5), load_task(name)
    stored = evaluate(network, examples, task=task, steps=40, batch_size=5)
    found = measure(network, examples, task=task, steps=40, batch_size=2)
    assert (stored.nonfinite_step > 0).all()
    np.testing.assert_array_equal(found.nonfinite_step, stored.nonfinite_step)


def test_the_batch_size_changes_nothing():
    network, examples = random_network("mazes", 4), random_examples("mazes", 3, (4, 4))
    one, other = (
        measure(network, examples, task=load_task("mazes"), steps=6, batch_size=size)
        for size in (3, 2)
    )
    for name in (*MEASURES, "radius"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-4)


def test_the_radius_is_that_of_the_first_examples(monkeypatch):
    monkeypatch.setattr(
        module,
        "spectral_radius",
        lambda step, state, examples: (
            torch.tensor(examples, dtype=torch.float64),
            torch.zeros(len(examples)),
        ),
    )
    radius = trace(lambda state: state, 2, count=RADIUS_EXAMPLES + 3, batch_size=7).radius
    np.testing.assert_array_equal(radius[:RADIUS_EXAMPLES], np.arange(RADIUS_EXAMPLES))
    assert np.isnan(radius[RADIUS_EXAMPLES:]).all()


@pytest.mark.usefixtures("no_radius")
def test_at_most_three_states_are_held_whatever_the_number_of_steps():
    """States of this formula are counted by their size, which no other tensor has."""
    held: list[int] = []

    def formula(state):
        size = state.numel() * state.element_size()
        held.append(
            len(
                {
                    tensor.untyped_storage().data_ptr()
                    for tensor in gc.get_objects()
                    if type(tensor) is torch.Tensor
                    and tensor.layout == torch.strided
                    and tensor.untyped_storage().nbytes() == size
                }
            )
        )
        return state + 1

    network, task = Formula(formula), load_task("prefix_sums")
    examples = random_examples("prefix_sums", 2, (1009,))
    measure(network, examples, task=task, steps=12, batch_size=2)
    assert len(held) == 12
    assert max(held) == 2  # before the step: the third is what it returns
