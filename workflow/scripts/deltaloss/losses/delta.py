"""The Delta Loss (equation 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome, read_out
from deltaloss.network import RecallNetwork
from deltaloss.unrolling import Seed, Unrolled


@dataclass(frozen=True, kw_only=True)
class DeltaLoss:
    """L(T) - L(1) + max over t of L(t), L(t) the mean loss of the batch after t steps.

    The sum of the paper telescopes, so the gradient needs three readouts at the most. Which step
    is the largest is only known when all are read, so all are read without gradient first. If it
    is the first step, its gradients cancel.

    Attributes:
        steps: T, reasoning steps.
        recompute: what the way back computes again; see `Unrolled`.
    """

    steps: int
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw nothing: the loss leaves nothing to chance."""
        return ()

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        unrolled = Unrolled(network, x, recompute=self.recompute)
        with torch.no_grad():
            values = [criterion(network.readout(state)) for state in unrolled.run(self.steps)]
            each = torch.stack(values)
            largest = each.argmax()
        states = [unrolled.state(step + 1) for step in range(self.steps)]
        final = read_out(network, states[-1], criterion)
        first = read_out(network, states[0], criterion, -1.0)
        if each.is_cuda:  # asking for the number would wait for the device
            at_largest = read_out(network, _pick(states, largest), criterion)
            step: int | Tensor = largest + 1
        else:
            at_largest = read_out(network, states[int(largest)], criterion)
            step = int(largest) + 1
        del states
        unrolled.backward(
            [
                Seed(step=self.steps, gradient=final.gradient),
                Seed(step=1, gradient=first.gradient),
                Seed(step=step, gradient=at_largest.gradient),
            ]
        )
        loss = final.loss - first.loss + at_largest.loss
        return Outcome(loss=loss, final_logits=final.logits, final_loss=final.loss)


def _pick(states: list[Tensor], index: Tensor) -> Tensor:
    """Give the state of an index that only the device knows."""
    picked = states[0]
    for place, state in enumerate(states[1:], start=1):
        picked = torch.where(index == place, state, picked)
    return picked


LOSS = DeltaLoss
