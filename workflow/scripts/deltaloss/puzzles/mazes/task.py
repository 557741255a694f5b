"""Mazes: the shortest path from start to end (section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaloss.puzzles.base import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Mazes(Task):
    """Square images of mazes; size is the number of positions a side, walls included."""

    channels: int = 3
    dimensions: int = 2

    def counted(self, bits: Tensor) -> Tensor:
        """Count the open pixels, those that are not black."""
        return bits.amax(1) > 0

    def answer(self, logits: Tensor, bits: Tensor) -> Tensor:
        """Take the likelier class at every open pixel; a wall is never on the path."""
        return (logits[:, 1] > logits[:, 0]) & self.counted(bits)


TASK = Mazes()
