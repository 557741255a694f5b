"""The Delta Loss whose maximum is taken over every λ-th step only (appendix A.1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.losses.delta import _select
from deltaloss.model.network import RecallNetwork


@dataclass(frozen=True)
class PeriodicDeltaLoss:
    """L(T) - L(1) + max of L(t) over t = 1, 1 + period, 1 + 2 period, ..., T at most.

    Between these steps the loss may rise without being seen ("periodic divergence"). The paper
    does not say where to begin. A maximum without the first step would leave the loss without a
    lower bound: it falls as L(1) grows. With a period of 1 it is the Delta Loss.

    Attributes:
        steps: T, reasoning steps.
        period: λ, a whole number.
        recompute: see `RecallNetwork.step`.
    """

    steps: int
    period: float
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw nothing: the loss is deterministic."""
        return ()

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`."""
        _, *states = network.unroll(x, self.steps, recompute=self.recompute)
        seen = states[:: int(self.period)]
        with torch.no_grad():
            largest = torch.stack([criterion(network.readout(s)) for s in seen]).argmax()
        logits = network.readout(states[-1])
        final_loss = criterion(logits)
        first_loss = criterion(network.readout(states[0]))
        loss = final_loss - first_loss + criterion(network.readout(_select(seen, largest)))
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(
            loss=loss.detach(), final_logits=logits.detach(), final_loss=final_loss.detach()
        )


LOSS = PeriodicDeltaLoss
