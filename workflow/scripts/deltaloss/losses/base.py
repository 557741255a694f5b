"""Interface of the losses: they take a batch and leave exact gradients in the network.

Shape letters: N examples, C channels, *S pixels, T reasoning steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from deltaloss.model.network import RecallNetwork


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """L(F(x, s_t)): the two-class cross-entropy, mean over the batch's counted pixels.

    Attributes:
        targets: int64 [N, *S], 0 or 1.
        counted: bool [N, *S]; None counts all pixels.
    """

    targets: Tensor
    counted: Tensor | None = None

    def __call__(self, logits: Tensor) -> Tensor:
        """Loss, a scalar, of logits [N, 2, *S]."""
        # Not the built-in mean, whose atomic additions on a GPU are in no fixed order.
        pixels = F.cross_entropy(logits, self.targets, reduction="none")
        if self.counted is None:
            return pixels.mean()
        return (pixels * self.counted).sum() / self.counted.sum()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A batch's results, without gradient; its gradient has been added to the parameters.

    Attributes:
        loss: scalar, the trained loss.
        final_logits: [N, 2, *S], the logits after T steps.
        final_loss: scalar, L(F(x, s_T)).
    """

    loss: Tensor
    final_logits: Tensor
    final_loss: Tensor


class Loss(Protocol):
    """A loss over the T steps of a network."""

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw the loss's random numbers for one batch; an empty tuple if it has none."""
        ...

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient of the loss on puzzles x [N, C, *S] to the parameters' `grad`."""
        ...


def make_loss(
    name: str, *, steps: int, value: float | None = None, recompute: str = "none"
) -> Loss:
    """Make the loss `LOSS` of ``losses/{name}.py``.

    Args:
        name: name of the loss, as in the config.
        steps: T, reasoning steps.
        value: value of the loss's parameter (alpha of the Progressive Loss); None if it has none.
        recompute: activations computed again in the backward pass, see `RecallNetwork.step`.
    """
    parameter = () if value is None else (value,)
    loss: Loss = import_module(f"deltaloss.losses.{name}").LOSS(
        steps, *parameter, recompute=recompute
    )
    return loss
