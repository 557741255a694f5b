"""The plain implementation computes what the engine computes."""

from __future__ import annotations

import pytest
import torch

from benchmarks import plain
from benchmarks.workloads import TASKS, load_workload, random_examples
from deltaloss.core.runs import parse_run
from deltaloss.evaluation.loop import evaluate
from deltaloss.losses import Criterion, make_loss
from deltaloss.model.network import make_network
from deltaloss.model.weights import to_published

STEPS = 6


def networks(name: str):
    workload = load_workload(name, device="cpu", quick=True)
    ours = make_network(workload.task, workload.network, seed=3).double()
    return workload, ours, plain.from_ours(ours)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize(
    ("run", "drawn"),
    [
        ("delta", ()),
        ("progressive-0", ()),
        ("progressive-0.5", (2, 3)),
        ("progressive-0.5", (0, 6)),
        ("progressive-1", (4, 1)),
    ],
)
def test_same_loss_and_gradients_as_the_engine(name, run, drawn):
    workload, ours, theirs = networks(name)
    task, alpha = workload.task, parse_run(run).alpha
    batch = random_examples(task, workload.train_shape, 5)
    x, targets, counted = (
        task.encode(batch.inputs).double(),
        batch.targets.long(),
        task.counted(batch.inputs),
    )
    loss = make_loss(parse_run(run).loss, steps=STEPS, alpha=alpha)
    outcome = loss(ours, x, Criterion(targets=targets, counted=counted), *drawn)
    value, logits = plain.PlainLoss(steps=STEPS, alpha=alpha)(theirs, x, targets, counted, *drawn)
    value.backward()
    torch.testing.assert_close(value.detach(), outcome.loss, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(logits.detach(), outcome.final_logits, rtol=1e-9, atol=1e-12)
    reached = {
        key: torch.zeros_like(value) if value.grad is None else value.grad
        for key, value in ours.named_parameters()
    }
    gradients = to_published(reached, dimensions=task.dimensions)
    for key, parameter in theirs.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[key], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", TASKS)
def test_same_bits_as_the_engine(name):
    workload, ours, theirs = networks(name)
    ours, theirs, task = ours.float(), theirs.float(), workload.task
    batch = random_examples(task, workload.test_shape, 7)
    with torch.no_grad():  # the network's own answers after two steps, so that some are right
        answers = task.answer(ours(task.encode(batch.inputs), 2), batch.inputs)
    batch = type(batch)(inputs=batch.inputs, targets=answers.to(torch.uint8))
    bits = plain.evaluate(theirs, batch, task=task, steps=STEPS, batch_size=3)
    wanted = evaluate(ours, batch, task=task, steps=STEPS, batch_size=4, provenance={})
    assert bits.numpy().tolist() == wanted.correct.tolist()
    assert bits[1].all()


def test_training_learns():
    workload, _, theirs = networks("prefix_sums")
    theirs, run = theirs.float(), parse_run("delta")
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.01)
    batch = random_examples(workload.task, (5,), 16)
    losses = [
        plain.train_epoch(
            theirs,
            optimizer,
            plain.PlainLoss(steps=3, alpha=run.alpha),
            batch,
            [()] * 4,
            task=workload.task,
            batch_size=4,
            clip_norm=1.0,
        )[0]
        for _ in range(5)
    ]
    assert losses[-1] < losses[0]
