"""The Delta Loss with a number of steps drawn for each batch (appendix A.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.losses.delta import DeltaLoss
from deltaloss.model.network import RecallNetwork


@dataclass(frozen=True)
class RandomDeltaLoss:
    """The Delta Loss over the first T_batch ~ U{2, T} steps; no other step is computed.

    The outcome's logits are those after T_batch steps, and so are the training accuracies.

    Attributes:
        steps: T, the largest number of reasoning steps.
        recompute: see `RecallNetwork.step`.
    """

    steps: int
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw T_batch from U{2, T}; of one step there is only T_batch = 1."""
        low = min(2, self.steps)
        return (int(torch.randint(low, self.steps + 1, (), generator=generator)),)

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`; drawn is T_batch."""
        (steps,) = drawn
        return DeltaLoss(steps, recompute=self.recompute)(network, x, criterion)


LOSS = RandomDeltaLoss
