"""The published description and the engine compute the same."""

from __future__ import annotations

import pytest
import torch

from benchmarks import published
from benchmarks.workloads import Workload, load_workloads, random_examples
from deltaloss.evaluation.loop import evaluate
from deltaloss.losses.base import Criterion, make_loss
from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import to_published

STEPS = 6
WORKLOADS = {one.name.split()[1]: one for one in load_workloads("cpu", tiny=True)}
CASES = {
    "delta": ("delta", None, ()),
    "alpha_0": ("progressive", 0.0, ()),
    "alpha_half": ("progressive", 0.5, (2, 3)),
    "alpha_half_without_cut": ("progressive", 0.5, (0, 6)),
    "alpha_1": ("progressive", 1.0, (4, 1)),
}


def gradients(network: RecallNetwork, workload: Workload) -> dict[str, torch.Tensor]:
    found = {
        name: torch.zeros_like(p) if p.grad is None else p.grad
        for name, p in network.named_parameters()
    }
    return to_published(found, dimensions=workload.task.dimensions)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("case", CASES)
def test_loss_logits_and_gradients_are_equal(name: str, case: str) -> None:
    workload, (loss, value, drawn) = WORKLOADS[name], CASES[case]
    ours = workload.make_network().double()
    theirs, task = published.from_ours(ours), workload.task
    batch = random_examples(task, workload.train_shape, 5)
    x, targets = task.encode(batch.inputs).double(), batch.targets.long()
    criterion = Criterion(targets=targets, counted=task.counted(batch.inputs))
    outcome = make_loss(loss, steps=STEPS, value=value)(ours, x, criterion, *drawn)
    total, logits = published.PublishedLoss(steps=STEPS, alpha=value)(
        theirs, x, targets, criterion.counted, *drawn
    )
    total.backward()
    torch.testing.assert_close(total.detach(), outcome.loss, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(logits.detach(), outcome.final_logits, rtol=1e-9, atol=1e-12)
    wanted = gradients(ours, workload)
    for key, parameter in theirs.named_parameters():
        found = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found, wanted[key], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", WORKLOADS)
def test_answers_are_equal_after_every_step(name: str) -> None:
    workload, task = WORKLOADS[name], WORKLOADS[name].task
    ours = workload.make_network()
    batch = random_examples(task, workload.test_shape, 7)
    with torch.no_grad():  # the network's own answers after two steps, so that some are right
        answers = task.answer(ours(task.encode(batch.inputs), 2), batch.inputs)
    batch = type(batch)(inputs=batch.inputs, targets=answers.to(torch.uint8))
    found = published.evaluate(
        published.from_ours(ours), batch, task=task, steps=STEPS, batch_size=3
    )
    wanted = evaluate(ours, batch, task=task, steps=STEPS, batch_size=4)
    assert found.numpy().tolist() == wanted.correct.tolist()
    assert found[1].all()
