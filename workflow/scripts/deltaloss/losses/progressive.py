"""The Progressive Loss (algorithm 1), from a single unroll."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome, read_out
from deltaloss.network import RecallNetwork
from deltaloss.unrolling import Seed, Unrolled


@dataclass(frozen=True, kw_only=True)
class ProgressiveLoss:
    """(1 - alpha) L(T) + alpha L(n + k), where the gradient of L(n + k) stops at s_n.

    Algorithm 1 makes two forward passes, but its first n + k steps are the same numbers as those
    of the full pass. So the network is unrolled once, and two gradients go back: that of
    alpha L(n + k), which stops at s_n, and that of (1 - alpha) L(T), which goes all the way. With
    alpha = 0 there is only the second; with alpha = 1 only the first, and the steps before s_n and
    behind n + k keep nothing.

    Attributes:
        steps: T, reasoning steps.
        alpha: weight of the progressive part, in [0, 1].
        recompute: what the way back computes again; see `Unrolled`.
    """

    steps: int
    alpha: float
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw n from U{0, T - 1} and k from U{1, T - n}; nothing when alpha is 0."""
        if self.alpha == 0:
            return ()
        n = int(torch.randint(0, self.steps, (), generator=generator))
        k = int(torch.randint(1, self.steps - n + 1, (), generator=generator))
        return n, k

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`; drawn is (n, k)."""
        n, k = drawn if self.alpha > 0 else (0, 0)
        passed = range(n + 1, n + k + 1) if self.alpha == 1 else None
        unrolled = Unrolled(network, x, recompute=self.recompute, passed=passed)
        seeds: list[Seed] = []
        loss = x.new_zeros(())
        if self.alpha > 0:
            state = unrolled.advance(n + k)
            partial = read_out(network, state, criterion, self.alpha)
            seeds.append(Seed(step=n + k, gradient=partial.gradient, stop=n))
            loss = loss + self.alpha * partial.loss
        state = unrolled.advance(self.steps - n - k)
        if self.alpha < 1:
            final = read_out(network, state, criterion, 1 - self.alpha)
            seeds.append(Seed(step=self.steps, gradient=final.gradient))
            logits, final_loss = final.logits, final.loss
            loss = loss + (1 - self.alpha) * final_loss
        else:  # the answer after T steps is only for the training accuracy
            with torch.no_grad():
                logits = network.readout(state)
                final_loss = criterion(logits)
        unrolled.backward(seeds)
        return Outcome(loss=loss, final_logits=logits, final_loss=final_loss)


LOSS = ProgressiveLoss
