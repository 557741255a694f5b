"""The recurrent network with recall, for one- and two-dimensional puzzles (appendix A.3).

Shape letters: N examples, C input channels, W width, *S the puzzle's pixels ([L] or [H, W]).
A one-dimensional puzzle is kept as an image of height 1 with 1x3 filters: the same numbers as a
one-dimensional convolution, from the two-dimensional kernels that every backend tunes best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deltaloss.seeds import derive_seed
from deltaloss.settings import NetworkSettings
from deltaloss.tasks.base import Task

CLASSES = 2


class Convolution(nn.Conv2d):
    """A convolution that computes in the type of its image, whatever that of its weights."""

    def forward(self, image: Tensor) -> Tensor:
        """Map [N, inputs, H, L] to [N, outputs, H, L]."""
        return F.conv2d(image, self.weight.to(image.dtype), padding=self.padding)


def _convolution(dimensions: int, inputs: int, outputs: int) -> Convolution:
    """Give a filter of length three per dimension, stride 1, size kept, no bias (A.3 item 2)."""
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
        return F.relu(self.conv2(F.relu(self.conv1(state))) + state)


class Recall(NamedTuple):
    """What every step needs of the input, computed once: the recall convolution acts on [s, x]."""

    input_term: Tensor  # [N, W, H, L]: the convolution's response to x
    state_weight: Tensor  # [W, W, ...]: the filters that act on the state


class RecallNetwork(nn.Module):
    """F(x, s_t) of the paper: project the puzzle to a state, step it, read an answer out of it.

    Args:
        dimensions: 1 or 2, the puzzle's dimensions.
        channels: C, channels of the puzzle.
        width: W, channels of the state (table 1, "internal block").
        head: channels of the first two head layers; the third has two, one a class (table 1).
        recall_relu: whether a ReLU follows the recall convolution (A.3 item 4).
    """

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
        self.head = nn.ModuleList(
            _convolution(dimensions, before, after) for before, after in pairwise(sizes)
        )
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def dtype(self) -> torch.dtype:
        """The type of states: `compute_dtype`, or that of the weights where it is not float32."""
        own = self.recall.weight.dtype
        return self.compute_dtype if own == torch.float32 else own

    def as_image(self, x: Tensor) -> Tensor:
        """Give puzzles [N, C, *S] as images [N, C, H, L], channels last, of the states' type."""
        image = x.unsqueeze(2) if self.dimensions == 1 else x
        return image.to(self.dtype).contiguous(memory_format=torch.channels_last)

    def split_recall(self) -> tuple[Tensor, Tensor]:
        """Give the filters of the recall that act on the state, and those that act on the input."""
        weight = self.recall.weight.to(self.dtype)
        state_weight, input_weight = weight[:, : self.width], weight[:, self.width :]
        last = torch.channels_last
        return (
            state_weight.contiguous(memory_format=last),
            input_weight.contiguous(memory_format=last),
        )

    def embed(self, x: Tensor) -> tuple[Tensor, Recall]:
        """Give the state before the first step and the input's share of every step.

        Args:
            x: puzzles, float [N, C, *S].
        """
        image = self.as_image(x)
        state_weight, input_weight = self.split_recall()
        input_term = F.conv2d(image, input_weight, padding=self.recall.padding)
        return F.relu(self.projection(image)), Recall(input_term, state_weight)

    def step(self, state: Tensor, recall: Recall) -> Tensor:
        """Do one reasoning step: recall, then the internal block. State in, state out."""
        mixed = recall.input_term + F.conv2d(
            state,
            recall.state_weight,
            padding=self.recall.padding,
        )
        state = F.relu(mixed) if self.recall_relu else mixed
        for block in self.blocks:
            state = block(state)
        return state

    def readout(self, state: Tensor) -> Tensor:
        """Read the logits out of a state: [N, 2, *S], channel 1 for "this pixel is 1"."""
        first, second, last = self.head
        logits: Tensor = last(F.relu(second(F.relu(first(state)))))
        if logits.dtype == torch.bfloat16:
            logits = logits.float()
        return logits.squeeze(2) if self.dimensions == 1 else logits

    def unroll(self, x: Tensor, steps: int) -> Iterator[Tensor]:
        """Yield the states s_1 to s_steps; step t is t passes of the internal block."""
        state, recall = self.embed(x)
        for _ in range(steps):
            state = self.step(state, recall)
            yield state

    def forward(self, x: Tensor, steps: int) -> Tensor:
        """Give the logits [N, 2, *S] after `steps` steps."""
        state, recall = self.embed(x)
        for _ in range(steps):
            state = self.step(state, recall)
        return self.readout(state)

    def block_layers(self) -> list[Convolution]:
        """Give the four convolutions of the internal block, in their order."""
        return [
            layer
            for block in self.blocks
            for layer in block.children()
            if isinstance(layer, Convolution)
        ]

    def head_layers(self) -> list[Convolution]:
        """Give the three convolutions of the head, in their order."""
        return [layer for layer in self.head if isinstance(layer, Convolution)]

    def recurrent_parameters(self) -> list[nn.Parameter]:
        """Give the parameters that the learning-rate throttle slows: recall and internal block."""
        return [*self.recall.parameters(), *self.blocks.parameters()]


def make_network(task: Task, settings: NetworkSettings, *, seed: int = 0) -> RecallNetwork:
    """Make an untrained network on the CPU; its weights come from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        return RecallNetwork(
            dimensions=task.dimensions,
            channels=task.channels,
            width=settings.width,
            head=settings.head,
            recall_relu=settings.recall_relu,
        )
