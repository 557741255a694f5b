"""Chess: the squares that the best move leaves and reaches (section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaloss.puzzles.base import Task

if TYPE_CHECKING:
    from torch import Tensor

MOVE_SQUARES = 2  # origin and destination


@dataclass(frozen=True, kw_only=True)
class Chess(Task):
    """Boards of 12 planes, six kinds of piece for each player; of one size."""

    channels: int = 12
    dimensions: int = 2

    def answer(self, logits: Tensor, bits: Tensor) -> Tensor:
        """Take the two squares with the highest score of channel 1."""
        scores = logits[:, 1].flatten(1)
        squares = scores.topk(MOVE_SQUARES, dim=1).indices
        answer = scores.new_zeros(scores.shape, dtype=bits.dtype).scatter(1, squares, 1)
        return answer.view(logits[:, 1].shape).bool()


TASK = Chess()
