"""What a loss is to the training: it takes a batch and leaves exact gradients in the network.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from deltaloss.network import RecallNetwork


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """L(F(x, s_t)): the two-class cross-entropy, mean over the batch's pixels that count.

    Attributes:
        targets: int64 [N, *S], 0 or 1.
        counted: bool [N, *S], the pixels that count; None for all of them.
    """

    targets: Tensor
    counted: Tensor | None = None

    def __call__(self, logits: Tensor) -> Tensor:
        """Give the loss, a scalar, of logits [N, 2, *S]."""
        if self.counted is None:
            return F.cross_entropy(logits, self.targets)
        pixels = F.cross_entropy(logits, self.targets, reduction="none")
        return (pixels * self.counted).sum() / self.counted.sum()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a loss tells of a batch whose gradients it has added to the parameters.

    Attributes:
        loss: scalar, the value whose gradient was taken.
        final_logits: [N, 2, *S], the answer after T steps, without gradient.
        final_loss: scalar, L(F(x, s_T)), without gradient.
    """

    loss: Tensor
    final_logits: Tensor
    final_loss: Tensor


@dataclass(frozen=True, kw_only=True)
class Readout:
    """What was read out of a state; nothing of it has a graph.

    Attributes:
        loss: scalar, L of the logits.
        logits: [N, 2, *S].
        gradient: [N, W, H, L], that of the weighted loss with respect to the state.
    """

    loss: Tensor
    logits: Tensor
    gradient: Tensor


def read_out(
    network: RecallNetwork, state: Tensor, criterion: Criterion, weight: float = 1.0
) -> Readout:
    """Read a state out, and add the gradient of `weight` times its loss to the head's `grad`."""
    leaf = state.detach().requires_grad_()
    with torch.enable_grad():
        logits = network.readout(leaf)
        loss = criterion(logits)
        (weight * loss).backward()  # type: ignore[no-untyped-call]
    assert leaf.grad is not None
    return Readout(loss=loss.detach(), logits=logits.detach(), gradient=leaf.grad)


class Loss(Protocol):
    """A loss over the T steps of a network."""

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw what the loss leaves to chance for one batch; an empty tuple where nothing is."""
        ...

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient of the loss on puzzles x [N, C, *S] to the parameters' `grad`."""
        ...
