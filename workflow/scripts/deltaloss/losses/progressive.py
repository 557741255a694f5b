"""The Progressive Loss (algorithm 1), from a single unroll."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.model.network import Recall, RecallNetwork


@dataclass(frozen=True)
class ProgressiveLoss:
    """(1 - alpha) L(T) + alpha L(n + k), where the gradient of L(n + k) stops at s_n.

    Algorithm 1 makes two forward passes, but its first n + k steps compute the same states as the
    full pass, so one unroll serves both.

    Attributes:
        steps: T, reasoning steps.
        alpha: weight of the progressive part, in [0, 1].
        recompute: see `RecallNetwork.step`.
    """

    steps: int
    alpha: float
    recompute: str = "none"

    def draw(self, generator: torch.Generator) -> tuple[int, ...]:
        """Draw n from U{0, T - 1} and k from U{1, T - n}; nothing if alpha is 0."""
        if self.alpha == 0:
            return ()
        n = int(torch.randint(0, self.steps, (), generator=generator))
        k = int(torch.randint(1, self.steps - n + 1, (), generator=generator))
        return n, k

    def __call__(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, *drawn: int
    ) -> Outcome:
        """Add the gradient on puzzles x [N, C, *S] to the parameters' `grad`; drawn is (n, k)."""
        if self.alpha == 0:
            return self._full_part(network, x, criterion)
        if self.alpha == 1:
            return self._progressive_part(network, x, criterion, *drawn)
        return self._both_parts(network, x, criterion, *drawn)

    def _full_part(self, network: RecallNetwork, x: Tensor, criterion: Criterion) -> Outcome:
        state, recall = network.embed(x)
        logits = network.readout(self._advance(network, state, recall, self.steps))
        loss = criterion(logits)
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(loss=loss.detach(), final_logits=logits.detach(), final_loss=loss.detach())

    def _progressive_part(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, n: int, k: int
    ) -> Outcome:
        """Keep nothing of the steps before s_n and behind s_{n+k}."""
        state, recall = network.embed(x)
        with torch.no_grad():
            state = self._advance(network, state, recall, n)
        state = self._advance(network, state, recall, k)
        loss = criterion(network.readout(state))
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            state = self._advance(network, state, recall, self.steps - n - k)
            logits = network.readout(state)
            final_loss = criterion(logits)
        return Outcome(loss=loss.detach(), final_logits=logits, final_loss=final_loss)

    def _both_parts(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, n: int, k: int
    ) -> Outcome:
        """Cut the graph at s_n and s_{n+k}, so that a gradient is passed on or stopped there.

        The steps between are passed twice by activation gradients, once by weight gradients.
        """
        embedded, recall = network.embed(x)
        shared = Recall(*map(_leaf, recall))
        before = self._advance(network, embedded, shared, n)
        start = _leaf(before) if n > 0 else before
        middle = self._advance(network, start, shared, k)
        read, passed = _leaf(middle), _leaf(middle)
        partial = self.alpha * criterion(network.readout(read))
        partial.backward()  # type: ignore[no-untyped-call]
        logits = network.readout(self._advance(network, passed, shared, self.steps - n - k))
        final_loss = criterion(logits)
        final = (1 - self.alpha) * final_loss
        final.backward()  # type: ignore[no-untyped-call]
        assert read.grad is not None
        assert passed.grad is not None
        if n > 0:  # only the gradient of L(T) goes back beyond s_n
            (further,) = torch.autograd.grad(middle, start, passed.grad, retain_graph=True)
        middle.backward(read.grad + passed.grad)  # type: ignore[no-untyped-call]
        if n > 0:
            before.backward(further)  # type: ignore[no-untyped-call]
        torch.autograd.backward(list(recall), [leaf.grad for leaf in shared])
        return Outcome(
            loss=(partial + final).detach(),
            final_logits=logits.detach(),
            final_loss=final_loss.detach(),
        )

    def _advance(self, network: RecallNetwork, state: Tensor, recall: Recall, steps: int) -> Tensor:
        for _ in range(steps):
            state = network.step(state, recall, recompute=self.recompute)
        return state


def _leaf(tensor: Tensor) -> Tensor:
    """Cut the graph behind a tensor; the gradient is accumulated in the new tensor's `grad`."""
    return tensor.detach().requires_grad_()


LOSS = ProgressiveLoss
