"""The Delta Loss (equation 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.model.network import RecallNetwork


@dataclass(frozen=True)
class DeltaLoss:
    """L(T) - L(1) + max over t of L(t), where L(t) is the batch's mean loss after t steps.

    The paper's sum telescopes to this, so only three readouts need a gradient. The largest L(t)
    is found by reading out all steps without one.

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
        with torch.no_grad():
            largest = torch.stack([criterion(network.readout(s)) for s in states]).argmax()
        logits = network.readout(states[-1])
        final_loss = criterion(logits)
        first_loss = criterion(network.readout(states[0]))
        largest_loss = criterion(network.readout(_select(states, largest)))
        loss = final_loss - first_loss + largest_loss
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(
            loss=loss.detach(), final_logits=logits.detach(), final_loss=final_loss.detach()
        )


def _select(states: list[Tensor], index: Tensor) -> Tensor:
    """State at an index; on a GPU without waiting for the device to name it."""
    if not index.is_cuda:
        return states[int(index)]
    selected = states[0]
    for place, state in enumerate(states[1:], start=1):
        selected = torch.where(index == place, state, selected)
    return selected


LOSS = DeltaLoss
