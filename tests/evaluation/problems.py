"""Small networks and examples of random bits."""

from __future__ import annotations

import torch

from deltaloss.config.settings import NetworkSettings
from deltaloss.evaluation.batches import Batch
from deltaloss.model.make import make_network
from deltaloss.model.network import RecallNetwork
from deltaloss.puzzles.base import load_task

SIZES = {"chess": (8, 8), "mazes": (12, 12), "prefix_sums": (9,)}


def random_examples(name: str, count: int, size: tuple[int, ...] | None = None) -> Batch:
    """Examples whose inputs and targets are random bits."""
    task, size = load_task(name), size or SIZES[name]
    stream = torch.Generator().manual_seed(3)
    inputs = torch.randint(2, (count, task.channels, *size), generator=stream)
    targets = torch.randint(2, (count, *size), generator=stream)
    return Batch(inputs=inputs.to(torch.uint8), targets=targets.to(torch.uint8))


def random_network(name: str, width: int = 8, *, mixing: bool = False) -> RecallNetwork:
    """An untrained network."""
    settings = NetworkSettings(width=width, head=(8, 4), recall_relu=True, mixing=mixing)
    return make_network(load_task(name), settings, seed=1).eval()


def answered(name: str, network: RecallNetwork, examples: Batch, steps: int) -> Batch:
    """The examples, their targets replaced by the network's answers after `steps` steps."""
    task = load_task(name)
    with torch.no_grad():
        logits = network(task.encode(examples.inputs), steps)
        answers = task.answer(logits, examples.inputs)
    return Batch(inputs=examples.inputs, targets=answers.to(torch.uint8))
