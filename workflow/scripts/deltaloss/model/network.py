"""The recurrent network with recall, for one- and two-dimensional puzzles (appendix A.3).

Shape letters: N examples, C input channels, W width, *S the puzzle's pixels ([L] or [H, L]).
A one-dimensional puzzle is kept as an image of height 1 with 1x3 filters: the same numbers as a
one-dimensional convolution, from the two-dimensional kernels that every backend tunes best.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

CLASSES = 2
RECOMPUTE = ("none", "blocks", "steps")


class Convolution(nn.Conv2d):
    """A convolution that computes in its input's dtype, whatever the dtype of its weights."""

    def forward(self, image: Tensor) -> Tensor:
        """Map [N, inputs, H, L] to [N, outputs, H, L]."""
        return F.conv2d(image, self.weight.to(image.dtype), padding=self.padding)


def _convolution(dimensions: int, inputs: int, outputs: int) -> Convolution:
    """Convolution of three pixels per dimension, stride 1, size kept, no bias (A.3 item 2)."""
    kernel, padding = ((1, 3), (0, 1)) if dimensions == 1 else ((3, 3), (1, 1))
    return Convolution(inputs, outputs, kernel, padding=padding, bias=False)


class ResidualBlock(nn.Module):
    """Two convolutions with a skip connection, each followed by a ReLU (A.3 item 5)."""

    def __init__(self, dimensions: int, width: int) -> None:
        super().__init__()
        self.conv1 = _convolution(dimensions, width, width)
        self.conv2 = _convolution(dimensions, width, width)

    def forward(self, state: Tensor) -> Tensor:
        """Map [N, W, H, L] to the same shape."""
        return F.relu_(self.conv2(F.relu_(self.conv1(state))).add_(state))


class Recall(NamedTuple):
    """The recall convolution acts on [s, x]: its response to x, and the weights that act on s."""

    response: Tensor  # [N, W, H, L], the same at every step, so computed once
    state_weight: Tensor  # [W, W, ...]


class RecallNetwork(nn.Module):
    """F(x, s_t) of the paper: embed a puzzle as a state, step the state, read an answer out of it.

    Args:
        dimensions: 1 or 2, the puzzle's dimensions.
        channels: C, channels of the puzzle.
        width: W, channels of the state (table 1, "internal block").
        head: channels of the first two head layers; the third has two, one per class (table 1).
        recall_relu: whether a ReLU follows the recall convolution (A.3 item 4).
    """

    peak_states = 9  # W channels each, of an example, at the peak of a step (8.1 measured)

    def __init__(
        self,
        *,
        dimensions: int,
        channels: int,
        width: int,
        head: Sequence[int],
        recall_relu: bool = True,
    ) -> None:
        super().__init__()
        self.dimensions = dimensions
        self.width = width
        self.recall_relu = recall_relu
        self.compute_dtype = torch.float32  # of states and products; the weights stay float32
        self.projection = _convolution(dimensions, channels, width)
        self.recall = _convolution(dimensions, width + channels, width)
        self.blocks = nn.ModuleList(ResidualBlock(dimensions, width) for _ in range(2))
        sizes = (width, *head, CLASSES)
        self.head = nn.ModuleList(_convolution(dimensions, *pair) for pair in pairwise(sizes))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of states: `compute_dtype`, or the dtype of weights that are not float32."""
        own = self.recall.weight.dtype
        return self.compute_dtype if own == torch.float32 else own

    def embed(self, x: Tensor) -> tuple[Tensor, Recall]:
        """Compute s_0 = relu(projection(x)), [N, W, H, L], and the input's part of every recall.

        Args:
            x: puzzles, float [N, C, *S].
        """
        image = x.unsqueeze(2) if self.dimensions == 1 else x
        image = image.to(self.dtype).contiguous(memory_format=torch.channels_last)
        weight = self.recall.weight.to(self.dtype)
        response = F.conv2d(image, weight[:, self.width :], padding=self.recall.padding)
        state_weight = weight[:, : self.width].contiguous(memory_format=torch.channels_last)
        return F.relu(self.projection(image)), Recall(response, state_weight)

    def step(self, state: Tensor, recall: Recall, *, recompute: str = "none") -> Tensor:
        """One reasoning step: recall, then the two residual blocks. State in, state out.

        Args:
            state: [N, W, H, L].
            recall: from `embed`.
            recompute: one of `RECOMPUTE`: activations that the backward pass computes again, to
                save memory; the gradients are the same. "blocks" keeps three of five activations
                of a step, "steps" only the state.
        """
        if recompute == "steps":
            return recomputed(lambda before: self.step(before, recall), state)
        mixed = F.conv2d(state, recall.state_weight, padding=self.recall.padding)
        mixed = mixed.add_(recall.response)
        state = F.relu_(mixed) if self.recall_relu else mixed
        for block in self.blocks:
            state = recomputed(block, state) if recompute == "blocks" else block(state)
        return state

    def readout(self, state: Tensor) -> Tensor:
        """Logits [N, 2, *S] of a state; channel 1 scores "this pixel is 1"."""
        first, second, last = self.head
        logits: Tensor = last(F.relu(second(F.relu(first(state)))))
        logits = logits.float() if logits.dtype == torch.bfloat16 else logits
        return logits.squeeze(2) if self.dimensions == 1 else logits

    def unroll(self, x: Tensor, steps: int, *, recompute: str = "none") -> Iterator[Tensor]:
        """Yield the states s_0 to s_steps; s_t is t passes of the internal block.

        Args:
            x: puzzles, float [N, C, *S].
            steps: number of steps.
            recompute: see `step`.
        """
        state, recall = self.embed(x)
        yield state
        for _ in range(steps):
            state = self.step(state, recall, recompute=recompute)
            yield state

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Logits [N, 2, *S] after `steps` steps."""
        (state,) = deque(self.unroll(x, steps), maxlen=1)
        return self.readout(state)

    def recurrent_parameters(self) -> list[nn.Parameter]:
        """Parameters slowed by the learning-rate throttle: recall and internal block."""
        return [*self.recall.parameters(), *self.blocks.parameters()]


def recomputed(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """Output of a function whose inner activations are computed again in the backward pass."""
    output: Tensor = checkpoint(function, *inputs, use_reentrant=False)
    return output
