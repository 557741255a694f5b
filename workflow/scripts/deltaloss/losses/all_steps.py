"""The loss after every step, all alike: what the Delta Loss is to be better than."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.model.network import RecallNetwork


@dataclass(frozen=True)
class AllStepsLoss:
    """The mean of L(t) over t = 1 to T.

    The sum is T times as large; the mean suits the learning rates and clip norms of the other
    losses.

    Attributes:
        steps: T, reasoning steps.
        recompute: see `RecallNetwork.step`.
    """

    steps: int
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw nothing: the loss is deterministic."""
        return ()

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        _, *states = network.unroll(x, self.steps, recompute=self.recompute)
        readouts = [network.readout(state) for state in states]
        losses = torch.stack([criterion(logits) for logits in readouts])
        loss = losses.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(
            loss=loss.detach(),
            final_logits=readouts[-1].detach(),
            final_loss=losses[-1].detach(),
        )


LOSS = AllStepsLoss
