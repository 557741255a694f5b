"""The Delta Loss (equation 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.network import RecallNetwork


@dataclass(frozen=True, kw_only=True)
class DeltaLoss:
    """L(T) - L(1) + max over t of L(t), L(t) the mean loss of the batch after t steps.

    The sum of the paper telescopes, so the gradient needs three readouts at the most. Which step
    is the largest is only known when all are read, so all are read without gradient first.

    Attributes:
        steps: T, reasoning steps.
    """

    steps: int

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw nothing: the loss leaves nothing to chance."""
        return ()

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        states = list(network.unroll(x, self.steps))
        with torch.no_grad():
            values = torch.stack([criterion(network.readout(state)) for state in states[:-1]])
        final_logits = network.readout(states[-1])
        final_loss = criterion(final_logits)
        largest = int(torch.cat([values, final_loss.detach().view(1)]).argmax())
        if largest == 0:  # L(1) is the largest and cancels itself
            loss = final_loss
        else:
            first_loss = criterion(network.readout(states[0]))
            last = largest == self.steps - 1
            largest_loss = final_loss if last else criterion(network.readout(states[largest]))
            loss = final_loss - first_loss + largest_loss
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(
            loss=loss.detach(), final_logits=final_logits.detach(), final_loss=final_loss.detach()
        )


LOSS = DeltaLoss
