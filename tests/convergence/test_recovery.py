"""Disturbed states: what is done to them, and what comes back, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deltaloss.convergence.disturbances import RECOVERY_COLUMNS, RECOVERY_EXAMPLES
from deltaloss.convergence.recovery import DISTURBANCES, add_noise, measure_recovery, swap
from deltaloss.core.errors import DataError
from deltaloss.evaluation.batches import Batch
from deltaloss.puzzles.base import load_task
from tests.convergence.steps import Formula
from tests.evaluation.problems import SIZES, answered, random_examples, random_network

PREFIX_SUMS = load_task("prefix_sums")


def recovered(formula, steps, *, answer=1, count=4, batch_size=4, start=1.0):
    """Recovery of a network of a formula, whose right answer is `answer` at every bit."""
    inputs = random_examples("prefix_sums", count, (5,)).inputs
    targets = torch.full((count, 5), answer, dtype=torch.uint8)
    network = Formula(formula, start=start).eval()
    return measure_recovery(
        network,
        Batch(inputs=inputs, targets=targets),
        task=PREFIX_SUMS,
        steps=steps,
        batch_size=batch_size,
    )


def of(rows, disturbance):
    return rows[rows["disturbance"] == disturbance]


class TestDisturbances:
    def test_noise_of_a_large_state_is_finite(self):
        assert add_noise(torch.full((2, 3, 1, 5), 1e19), 0, size=0.1).isfinite().all()

    def test_noise_has_its_size_and_is_the_example_s_own(self):
        state = torch.rand(3, 4, 1, 5)
        noise = add_noise(state, 0, size=0.5) - state
        sizes = torch.linalg.vector_norm(noise, dim=(1, 2, 3))
        torch.testing.assert_close(sizes, 0.5 * torch.linalg.vector_norm(state, dim=(1, 2, 3)))
        later = add_noise(state[1:], 1, size=0.5) - state[1:]
        torch.testing.assert_close(later, noise[1:])

    def test_neighbours_swap_their_states(self):
        state = torch.arange(4.0)[:, None, None, None].expand(4, 2, 1, 3)
        assert swap(state, 0)[:, 0, 0, 0].tolist() == [1, 0, 3, 2]


def test_a_contraction_recovers_and_ends_in_the_same_state():
    """s -> 1 - (1 - s) / 2 has the fixed point 1, whose answer is 1."""
    rows = recovered(lambda s: 1 - 0.5 * (1 - s), 60)
    assert tuple(rows.columns) == RECOVERY_COLUMNS
    assert rows["correct"].all()
    np.testing.assert_allclose(rows["alignment"], 1, atol=1e-6)
    assert (of(rows, "swapped")["recovery_steps"] == 1).all()  # the neighbour's is right too


def test_a_state_that_stays_keeps_its_disturbance():
    rows = recovered(lambda s: s, 20)
    noisy = of(rows, "noise_1")
    assert (noisy["alignment"] < 0.95).all()
    assert rows["undisturbed_correct"].all()
    assert not noisy["correct"].all()
    assert noisy["recovery_steps"].isna().tolist() == (~noisy["correct"]).tolist()


def test_steps_count_from_the_disturbance_to_the_last_wrong_answer(monkeypatch):
    monkeypatch.setitem(DISTURBANCES, "swapped", lambda state, first: state * 0)
    rows = recovered(lambda s: s + 0.04, 20)  # from 0 above a half at step 13
    assert rows["undisturbed_correct"].all()
    assert (of(rows, "swapped")["recovery_steps"] == 13).all()


def test_an_answer_that_was_not_there_before_the_disturbance_does_not_count():
    """A counter that passes a half at step 25, after the disturbance at 20."""
    rows = of(recovered(lambda s: s + 0.0201, 20, start=0.0), "swapped")
    assert rows["correct"].all()
    assert not rows["undisturbed_correct"].any()


def test_a_lost_answer_is_not_recovered_and_a_state_beyond_floats_is_wrong():
    assert not recovered(lambda s: s, 20, answer=0)["undisturbed_correct"].any()
    rows = recovered(lambda s: 2 * s, 300)
    assert not rows["correct"].any()
    assert rows["alignment"].isna().all()


@pytest.mark.parametrize("name", SIZES)
def test_without_a_disturbance_the_answers_are_those_of_a_plain_unroll(name, monkeypatch):
    monkeypatch.setitem(DISTURBANCES, "swapped", lambda state, first: state.clone())
    network, examples, task = random_network(name), random_examples(name, 6), load_task(name)
    examples = answered(name, network, examples, 7)
    examples.targets[2:] = answered(name, network, examples, 5).targets[2:]
    rows = of(measure_recovery(network, examples, task=task, steps=7, batch_size=2), "swapped")
    encoded = task.encode(examples.inputs)
    with torch.no_grad():
        before, end = (
            task.correct(network(encoded, steps), examples.inputs, examples.targets)
            for steps in (7, 14)
        )
    assert rows["correct"].tolist() == end.tolist()
    assert rows["undisturbed_correct"].tolist() == (before & end).tolist()
    np.testing.assert_allclose(rows["alignment"], 1, rtol=1e-6)


def test_batches_of_any_size_change_nothing_and_only_the_first_pairs_are_measured():
    network = random_network("prefix_sums")
    examples = random_examples("prefix_sums", RECOVERY_EXAMPLES + 5)
    one, other = (
        measure_recovery(network, examples, task=PREFIX_SUMS, steps=4, batch_size=size)
        for size in (1, 37)
    )
    assert one["example"].nunique() == RECOVERY_EXAMPLES
    keys = ["example", "disturbance"]
    one, other = (rows.sort_values(keys).reset_index(drop=True) for rows in (one, other))
    np.testing.assert_allclose(one["alignment"], other["alignment"], rtol=1e-5)
    odd = measure_recovery(
        network, examples.take(slice(3)), task=PREFIX_SUMS, steps=4, batch_size=9
    )
    assert odd["example"].tolist() == [0, 1] * len(DISTURBANCES)
    with pytest.raises(DataError, match="at least two"):
        measure_recovery(network, examples.take(slice(1)), task=PREFIX_SUMS, steps=4, batch_size=9)
