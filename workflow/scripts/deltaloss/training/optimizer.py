"""The optimizer of a training: learning rates, throttle and clipping (table 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deltaloss.config.settings import TrainingSettings
from deltaloss.model.network import RecallNetwork

SGD_MOMENTUM = 0.9


def make_optimizer(
    network: RecallNetwork, settings: TrainingSettings, *, steps: int
) -> torch.optim.Optimizer:
    """Make the optimizer; with `throttle`, the recurrent part trains at 1/T of the rate."""
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
    """Set every group's rate for `epoch`, counted from 0, and return the unthrottled rate."""
    factor = learning_rate_factor(
        epoch,
        warmup_epochs=settings.warmup_epochs,
        milestones=settings.milestones,
        decay_factor=settings.decay_factor,
    )
    for group in optimizer.param_groups:
        group["lr"] = group["base_rate"] * factor
    return settings.learning_rate * factor


def learning_rate_factor(
    epoch: int, *, warmup_epochs: int, milestones: Sequence[int], decay_factor: float
) -> float:
    """Factor of the base rate in `epoch`, counted from 0.

    While epoch + 1 is below the warm-up period w it is 1 - exp(-(epoch + 1) / w), and exactly 1
    from there on; each milestone reached since then multiplies it by `decay_factor`. A milestone
    inside the warm-up has no effect, as in the released code.
    """
    if epoch + 1 < warmup_epochs:
        return 1 - math.exp(-(epoch + 1) / warmup_epochs)
    reached = sum(max(warmup_epochs, 1) <= milestone <= epoch for milestone in milestones)
    return float(decay_factor**reached)


def clip_gradients(network: nn.Module, clip_norm: float | None) -> Tensor:
    """Clip the gradients to a total norm, if one is given, and return their norm before that."""
    if clip_norm is not None:
        return nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
    return nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
