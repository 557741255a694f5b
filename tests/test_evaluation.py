"""Evaluation: one bit an example and step, right whatever the batch, and lost on overflow."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deltaloss.batches import Batch
from deltaloss.evaluation import evaluate
from deltaloss.network import RecallNetwork, make_network
from deltaloss.paper import TASKS
from deltaloss.settings import NetworkSettings
from deltaloss.tasks import load_task

SIZES = {"chess": (8, 8), "mazes": (12, 12), "prefix_sums": (9,)}


def examples(name: str, count: int = 11) -> Batch:
    task, size = load_task(name), SIZES[name]
    stream = torch.Generator().manual_seed(3)
    inputs = torch.randint(2, (count, task.channels, *size), generator=stream).to(torch.uint8)
    targets = torch.randint(2, (count, *size), generator=stream).to(torch.uint8)
    return Batch(inputs=inputs, targets=targets)


def network(name: str) -> RecallNetwork:
    settings = NetworkSettings(width=8, head=(8, 4), recall_relu=True)
    return make_network(load_task(name), settings, seed=1).eval()


def answered(name: str, net: RecallNetwork, batch: Batch, steps: int) -> Batch:
    """Give the batch with the network's own answers after `steps` steps as targets."""
    task = load_task(name)
    with torch.no_grad():
        answers = task.answer(net(task.encode(batch.inputs), steps), batch.inputs)
    return Batch(inputs=batch.inputs, targets=answers.to(torch.uint8))


def run(name: str, net: RecallNetwork, batch: Batch, *, steps: int = 5, batch_size: int = 4):
    return evaluate(
        net,
        batch,
        task=load_task(name),
        steps=steps,
        batch_size=batch_size,
        provenance={"from": "a test"},
    )


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_row_t_is_the_answer_after_t_steps(name, step):
    net, batch = network(name), examples(name)
    result = run(name, net, answered(name, net, batch, step))
    assert result.correct.shape == (5, 11)
    assert result.correct[step - 1].all()
    assert result.provenance == {"from": "a test"}
    assert not result.nonfinite_step.any()


@pytest.mark.parametrize("name", TASKS)
def test_bits_do_not_depend_on_the_batch_size(name):
    net, batch = network(name), examples(name)
    batch = answered(name, net, batch, 2)
    one = run(name, net, batch, batch_size=1)
    for batch_size in (3, 11, 100):
        np.testing.assert_array_equal(
            run(name, net, batch, batch_size=batch_size).correct, one.correct
        )


def test_progress_counts_examples():
    told: list[tuple[int, int]] = []
    evaluate(
        network("prefix_sums"),
        examples("prefix_sums"),
        task=load_task("prefix_sums"),
        steps=1,
        batch_size=4,
        provenance={},
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(4, 11), (8, 11), (11, 11)]


class Overflowing(torch.nn.Module):
    """States that stop being finite at a given step for given examples, and come back later."""

    def __init__(self, lost: list[int]) -> None:
        super().__init__()
        self.lost = lost

    def unroll(self, x, steps):
        for step in range(1, steps + 1):
            state = torch.zeros(len(x), 2, x.shape[-1])
            for example, first in enumerate(self.lost):
                if step == first:
                    state[example, 0, 0] = [torch.inf, torch.nan][example % 2]
            yield state

    def readout(self, state):
        return state.nan_to_num(0, 0, 0)  # logits are equal: the answer is all zeros, and right


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_what_is_not_finite_once_is_wrong_from_there_on(lost):
    count = len(lost)
    batch = Batch(
        inputs=torch.zeros(count, 1, 4, dtype=torch.uint8),
        targets=torch.zeros(count, 4, dtype=torch.uint8),
    )
    # One batch: the stand-in knows its examples by their place.
    result = run("prefix_sums", Overflowing(lost), batch, steps=6, batch_size=count)
    assert result.nonfinite_step.tolist() == lost
    for example, first in enumerate(lost):
        expected = [first == 0 or step < first for step in range(1, 7)]
        assert result.correct[:, example].tolist() == expected


def test_a_network_that_explodes_is_seen():
    net = network("prefix_sums")
    with torch.no_grad():
        for weight in net.recurrent_parameters():
            weight.mul_(60)
    result = run("prefix_sums", net, examples("prefix_sums"), steps=40)
    assert (result.nonfinite_step > 1).all()
    for example, first in enumerate(result.nonfinite_step):
        assert not result.correct[first - 1 :, example].any()
