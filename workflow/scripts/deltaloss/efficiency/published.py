"""Network and losses without the engine's savings: as in the released code, and as in the paper.

The network is that of appendix A.3: at each step input and state are concatenated, and the head
reads the state. The Progressive Loss makes two forward passes. `PublishedLoss` is the released
code: the head reads every step, and the first n steps of algorithm 1 are computed with their
graph, which is then cut off. `DescribedLoss` is the paper's text: the n steps have no graph, and
the head reads only the steps that a loss names.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]), T reasoning steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deltaloss.model.network import RecallNetwork
from deltaloss.model.weights import PUBLISHED_NAMES, to_published


class PublishedBlock(nn.Module):
    """Two convolutions, a skip connection over both, a ReLU after each."""

    def __init__(self, convolution: Callable[[int, int], nn.Module], width: int) -> None:
        super().__init__()
        self.conv1 = convolution(width, width)
        self.conv2 = convolution(width, width)

    def forward(self, state: Tensor) -> Tensor:
        """Map [N, W, *S] to the same shape."""
        return F.relu(self.conv2(F.relu(self.conv1(state))) + state)


class PublishedNetwork(nn.Module):
    """The network of appendix A.3, one- or two-dimensional; parameters have the published names."""

    def __init__(
        self, *, dimensions: int, channels: int, width: int, head: Sequence[int], recall_relu: bool
    ) -> None:
        super().__init__()

        def convolution(inputs: int, outputs: int) -> nn.Module:
            kind = nn.Conv1d if dimensions == 1 else nn.Conv2d
            return kind(inputs, outputs, 3, padding=1, bias=False)

        self.width = width
        self.projection = nn.Sequential(convolution(channels, width), nn.ReLU())
        self.recur_block = nn.Sequential(
            convolution(width + channels, width),
            nn.ReLU() if recall_relu else nn.Identity(),
            nn.Sequential(PublishedBlock(convolution, width), PublishedBlock(convolution, width)),
        )
        self.head = nn.Sequential(
            convolution(width, head[0]),
            nn.ReLU(),
            convolution(head[0], head[1]),
            nn.ReLU(),
            convolution(head[1], 2),
        )

    def forward(
        self, x: Tensor, steps: int, state: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """Compute `steps` steps from `state`, or from the projection.

        Returns:
            The logits [N, 2, *S] after each step, and the last state.
        """
        state = self.projection(x) if state is None else state
        outputs = []
        for _ in range(steps):
            state = self.recur_block(torch.cat([state, x], 1))
            outputs.append(self.head(state))
        return outputs, state

    def advance(self, x: Tensor, steps: int, state: Tensor | None = None) -> Tensor:
        """State [N, W, *S] after `steps` steps from `state`, or from the projection."""
        state = self.projection(x) if state is None else state
        for _ in range(steps):
            state = self.recur_block(torch.cat([state, x], 1))
        return state

    def all_outputs(self, x: Tensor, steps: int) -> Tensor:
        """Logits of all steps, [N, T, 2, *S]."""
        outputs = x.new_zeros(len(x), steps, 2, *x.shape[2:])
        state = self.projection(x)
        for step in range(steps):
            state = self.recur_block(torch.cat([state, x], 1))
            outputs[:, step] = self.head(state)
        return outputs


def from_ours(network: RecallNetwork) -> PublishedNetwork:
    """Build a published network with the weights of ours, on the same device.

    Raises:
        ValueError: ours has weights that the published network has not.
    """
    if others := network.state_dict().keys() - PUBLISHED_NAMES.keys():
        raise ValueError(f"the published network has no {', '.join(sorted(others))}")
    weights = to_published(network.state_dict(), dimensions=network.dimensions)
    published = PublishedNetwork(
        dimensions=network.dimensions,
        channels=network.projection.in_channels,
        width=network.width,
        head=[len(weights["head.0.weight"]), len(weights["head.2.weight"])],
        recall_relu=network.recall_relu,
    )
    published.load_state_dict({name: value.contiguous() for name, value in weights.items()})
    return published.to(network.projection.weight.device, network.projection.weight.dtype)


@dataclass(frozen=True, kw_only=True)
class PublishedLoss:
    """Both losses as the released code computes them.

    Attributes:
        steps: T, reasoning steps.
        alpha: of the Progressive Loss; None for the Delta Loss.
    """

    steps: int
    alpha: float | None

    def __call__(
        self,
        network: PublishedNetwork,
        x: Tensor,
        targets: Tensor,
        counted: Tensor | None,
        *drawn: int,
    ) -> tuple[Tensor, Tensor]:
        """Loss of puzzles x [N, C, *S], a scalar with its graph, and the last logits."""
        if self.alpha is None:
            outputs, _ = network(x, self.steps)
            return delta_loss(outputs, targets, counted), outputs[-1]
        last: Tensor = network(x, self.steps)[0][-1]  # frees the heads of the other steps
        loss = (1 - self.alpha) * cross_entropy(last, targets, counted)
        if self.alpha > 0:
            n, k = drawn
            state = network(x, n)[1].detach() if n > 0 else None
            partial = network(x, k, state)[0][-1]
            loss = loss + self.alpha * cross_entropy(partial, targets, counted)
        return loss, last


@dataclass(frozen=True, kw_only=True)
class DescribedLoss:
    """Both losses as the paper describes them (equation 1, algorithm 1).

    A pass whose weight is zero, at alpha 0 or 1, is left out (the paper's footnote 2).

    Attributes:
        steps: T, reasoning steps.
        alpha: of the Progressive Loss; None for the Delta Loss.
    """

    steps: int
    alpha: float | None

    def __call__(
        self,
        network: PublishedNetwork,
        x: Tensor,
        targets: Tensor,
        counted: Tensor | None,
        *drawn: int,
    ) -> Tensor:
        """Loss of puzzles x [N, C, *S], a scalar with its graph."""
        if self.alpha is None:
            return delta_loss(network(x, self.steps)[0], targets, counted)
        loss = x.new_zeros(())
        if self.alpha > 0:
            n, k = drawn
            with torch.no_grad():
                start = network.advance(x, n) if n > 0 else None
            partial = network.head(network.advance(x, k, start))
            loss = loss + self.alpha * cross_entropy(partial, targets, counted)
        if self.alpha < 1:
            last = network.head(network.advance(x, self.steps))
            loss = loss + (1 - self.alpha) * cross_entropy(last, targets, counted)
        return loss


def delta_loss(outputs: Sequence[Tensor], targets: Tensor, counted: Tensor | None) -> Tensor:
    """Sum of the losses' changes and their maximum, from the logits after each step."""
    losses = [cross_entropy(one, targets, counted) for one in outputs]
    changes = sum(
        (after - before for before, after in pairwise(losses)), start=torch.zeros_like(losses[0])
    )
    return changes + torch.stack(losses).max()


def cross_entropy(logits: Tensor, targets: Tensor, counted: Tensor | None) -> Tensor:
    """Mean cross-entropy over all counted pixels of the batch."""
    pixels = F.cross_entropy(logits, targets, reduction="none")
    return pixels.mean() if counted is None else pixels[counted].mean()
