"""Prefix sums: the parity of all bits up to each position (section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaloss.puzzles.base import Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class PrefixSums(Task):
    """Strings of bits; size is the number of bits."""

    channels: int = 1
    dimensions: int = 1

    def encode(self, bits: Tensor) -> Tensor:
        """Centre the bits: minus one half and plus one half, as the released data loader does."""
        return bits.float() - 0.5

    def answer(self, logits: Tensor, bits: Tensor) -> Tensor:
        """Take the likelier class at every position."""
        return logits[:, 1] > logits[:, 0]


TASK = PrefixSums()
