"""Training and evaluation as the published code does them, with PyTorch's defaults.

Network and losses are the library's (`deltaloss.efficiency.published`). Batches come from a loader,
loss and accuracy are read after each batch, and an evaluation keeps all outputs.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from deltaloss.config.settings import TrainingSettings
from deltaloss.efficiency.published import PublishedLoss, PublishedNetwork
from deltaloss.evaluation.batches import Batch
from deltaloss.puzzles.base import Task

SGD_MOMENTUM = 0.9


def make_optimizer(network: PublishedNetwork, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Make the optimizer without the throttle, which changes rates and not the work."""
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), lr=rate, momentum=SGD_MOMENTUM, weight_decay=decay
        )
    return torch.optim.Adam(network.parameters(), lr=rate, weight_decay=decay)


def train_epoch(
    network: PublishedNetwork,
    optimizer: torch.optim.Optimizer,
    loss: PublishedLoss,
    examples: Batch,
    draws: Iterable[tuple[int, ...]],
    *,
    task: Task,
    batch_size: int,
    clip_norm: float | None,
) -> tuple[float, float]:
    """Train one epoch on examples on the CPU; return mean loss and accuracy in percent."""
    device = next(network.parameters()).device
    dataset = TensorDataset(examples.inputs, examples.targets)
    loader = DataLoader(dataset, batch_size, shuffle=True, drop_last=True, num_workers=0)
    total, right = 0.0, 0
    for (host_inputs, host_targets), drawn in zip(loader, draws, strict=True):
        bits, targets = host_inputs.to(device), host_targets.to(device).long()
        optimizer.zero_grad()
        value, logits = loss(network, task.encode(bits), targets, task.counted(bits), *drawn)
        value.backward()  # type: ignore[no-untyped-call]
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
        optimizer.step()
        total += value.item()
        right += int(task.correct(logits, bits, targets).sum().item())
    return total / len(loader), 100.0 * right / len(loader) / batch_size


@torch.no_grad()
def evaluate(
    network: PublishedNetwork, examples: Batch, *, task: Task, steps: int, batch_size: int
) -> Tensor:
    """Whether each whole answer is right after each step, bool [T, N]."""
    device = next(network.parameters()).device
    loader = DataLoader(TensorDataset(examples.inputs, examples.targets), batch_size)
    bits = []
    for host_inputs, host_targets in loader:
        inputs, targets = host_inputs.to(device), host_targets.to(device)
        outputs = network.all_outputs(task.encode(inputs), steps)
        correct = [task.correct(outputs[:, step], inputs, targets) for step in range(steps)]
        bits.append(torch.stack(correct).cpu())
    return torch.cat(bits, 1)
