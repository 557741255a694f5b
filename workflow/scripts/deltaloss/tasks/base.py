"""What a puzzle is to the rest of the project. Uses only the methods of tensors, not torch itself.

Shape letters: N examples, C channels, *S pixels ([L] or [H, W]).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Task(ABC):
    """A puzzle: its images, which pixels count, how logits become an answer.

    Attributes:
        name: as in the config and in paths.
        channels: C of the input.
        dimensions: 1 or 2.
    """

    name: str
    channels: int
    dimensions: int

    def encode(self, bits: Tensor) -> Tensor:
        """Turn stored bits, uint8 [N, C, *S], into the network's input, float of the same shape."""
        return bits.float()

    def counted(self, bits: Tensor) -> Tensor | None:
        """Which pixels the loss counts, bool [N, *S]; None for all of them."""
        return None

    @abstractmethod
    def answer(self, logits: Tensor, bits: Tensor) -> Tensor:
        """Decode logits [N, 2, *S] into an answer, bool [N, *S]."""

    def correct(self, logits: Tensor, bits: Tensor, targets: Tensor) -> Tensor:
        """Whether each whole answer is right, bool [N]."""
        return (self.answer(logits, bits) == targets.bool()).flatten(1).all(1)
