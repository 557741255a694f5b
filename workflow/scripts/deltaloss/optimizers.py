"""The optimizer of a training, its rates and the clipping of gradients (table 3)."""

from __future__ import annotations

import torch
from torch import Tensor

from deltaloss.network import RecallNetwork
from deltaloss.schedules import learning_rate_factor
from deltaloss.settings import TrainingSettings

SGD_MOMENTUM = 0.9


def make_optimizer(
    network: RecallNetwork, settings: TrainingSettings, *, steps: int
) -> torch.optim.Optimizer:
    """Make the optimizer; with `throttle` the recurrent part is a group at 1/T of the rate."""
    recurrent = network.recurrent_parameters()
    others = [p for p in network.parameters() if all(p is not r for r in recurrent)]
    rate = settings.learning_rate
    groups = [
        {"params": others, "lr": rate},
        {"params": recurrent, "lr": rate / steps if settings.throttle else rate},
    ]
    for group in groups:
        group["base_rate"] = group["lr"]
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, momentum=SGD_MOMENTUM, weight_decay=settings.weight_decay)
    return torch.optim.Adam(groups, weight_decay=settings.weight_decay, foreach=True)


def set_learning_rate(
    optimizer: torch.optim.Optimizer, settings: TrainingSettings, epoch: int
) -> float:
    """Set every group's rate for `epoch`, from 0, and give that of the part that is not slowed."""
    factor = learning_rate_factor(
        epoch,
        warmup_epochs=settings.warmup_epochs,
        milestones=settings.milestones,
        decay_factor=settings.decay_factor,
    )
    for group in optimizer.param_groups:
        group["lr"] = group["base_rate"] * factor
    return settings.learning_rate * factor


def clip_gradients(network: torch.nn.Module, clip_norm: float | None) -> Tensor:
    """Clip the gradients, if at all, and give their total norm before."""
    if clip_norm is not None:
        return torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
    return torch.nn.utils.get_total_norm(
        [p.grad for p in network.parameters() if p.grad is not None]
    )
