"""The published evaluation and the engine give the same answers; their losses: tests/efficiency."""

from __future__ import annotations

import pytest
import torch

from benchmarks import published
from benchmarks.workloads import SEED, load_workloads
from deltaloss.efficiency.forms import random_examples
from deltaloss.efficiency.published import from_ours
from deltaloss.evaluation.loop import evaluate

STEPS = 6
WORKLOADS = {one.name.split()[1]: one for one in load_workloads("cpu", tiny=True)}


@pytest.mark.parametrize("name", WORKLOADS)
def test_answers_are_equal_after_every_step(name: str) -> None:
    workload, task = WORKLOADS[name], WORKLOADS[name].task
    ours = workload.make_network()
    batch = random_examples(task, workload.test_shape, 7, seed=SEED)
    with torch.no_grad():  # the network's own answers after two steps, so that some are right
        answers = task.answer(ours(task.encode(batch.inputs), 2), batch.inputs)
    batch = type(batch)(inputs=batch.inputs, targets=answers.to(torch.uint8))
    found = published.evaluate(from_ours(ours), batch, task=task, steps=STEPS, batch_size=3)
    wanted = evaluate(ours, batch, task=task, steps=STEPS, batch_size=4)
    assert found.numpy().tolist() == wanted.correct.tolist()
    assert found[1].all()
