"""The Progressive Loss (algorithm 1), from a single unroll."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from deltaloss.losses.base import Criterion, Outcome
from deltaloss.network import Recall, RecallNetwork


@dataclass(frozen=True, kw_only=True)
class ProgressiveLoss:
    """(1 - alpha) L(T) + alpha L(n + k), where the gradient of L(n + k) stops at s_n.

    Algorithm 1 makes two forward passes, but its first n + k steps are the same numbers as those
    of the full pass. So the network is unrolled once and the graph is cut at s_n: the gradient of
    alpha L(n + k) goes back to the cut and stops, that of (1 - alpha) L(T) crosses it. With
    alpha = 0 there is no cut; with alpha = 1 no gradient crosses it, and the steps before it and
    behind n + k keep none.

    Attributes:
        steps: T, reasoning steps.
        alpha: weight of the progressive part, in [0, 1].
    """

    steps: int
    alpha: float

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
        if self.alpha == 0:
            return self._final_only(network, x, criterion)
        n, k = drawn
        if self.alpha == 1:
            return self._partial_only(network, x, criterion, n, k)
        return self._both(network, x, criterion, n, k)

    def _final_only(self, network: RecallNetwork, x: Tensor, criterion: Criterion) -> Outcome:
        logits = network(x, self.steps)
        loss = criterion(logits)
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(loss=loss.detach(), final_logits=logits.detach(), final_loss=loss.detach())

    def _partial_only(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, n: int, k: int
    ) -> Outcome:
        state, recall = network.embed(x)
        with torch.set_grad_enabled(n == 0):
            state = _advance(network, state, recall, n)
        state = _advance(network, state, recall, k)
        loss = criterion(network.readout(state))
        loss.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():  # the answer after T steps is only for the training accuracy
            final_logits = network.readout(_advance(network, state, recall, self.steps - n - k))
            final_loss = criterion(final_logits)
        return Outcome(loss=loss.detach(), final_logits=final_logits, final_loss=final_loss)

    def _both(
        self, network: RecallNetwork, x: Tensor, criterion: Criterion, n: int, k: int
    ) -> Outcome:
        start, recall_graph = network.embed(x)
        # The input's share enters the steps on both sides of the cut: it is a leaf here, gathers
        # the gradient of both losses, and hands it on once.
        recall = Recall(*(part.detach().requires_grad_() for part in recall_graph))
        before_cut = _advance(network, start, recall, n)
        cut = before_cut.detach().requires_grad_()
        partial = _advance(network, cut, recall, k)
        partial_loss = criterion(network.readout(partial))
        final_logits = network.readout(_advance(network, partial, recall, self.steps - n - k))
        final_loss = criterion(final_logits)

        (self.alpha * partial_loss).backward(retain_graph=True)  # type: ignore[no-untyped-call]
        if n > 0:
            cut.grad = None  # no gradient of L(n + k) crosses; at n = 0 there is nothing to stop
        ((1 - self.alpha) * final_loss).backward()  # type: ignore[no-untyped-call]
        torch.autograd.backward(
            (before_cut, *recall_graph), (cut.grad, *(part.grad for part in recall))
        )
        loss = (1 - self.alpha) * final_loss.detach() + self.alpha * partial_loss.detach()
        return Outcome(
            loss=loss, final_logits=final_logits.detach(), final_loss=final_loss.detach()
        )


def _advance(network: RecallNetwork, state: Tensor, recall: Recall, steps: int) -> Tensor:
    for _ in range(steps):
        state = network.step(state, recall)
    return state


LOSS = ProgressiveLoss
