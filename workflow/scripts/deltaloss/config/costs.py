"""How many operations jobs take, from their sizes: for their order, not for their results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

FORWARD_AND_BACKWARD = 3  # a backward pass takes twice as many operations as a forward pass
TAPS = 3  # of a filter, along each dimension
BLOCK_LAYERS = 4  # convolutions of the two residual blocks (table 1)
CLASSES = 2


def multiply_adds(network: Mapping[str, Any], shape: Sequence[int]) -> int:
    """Multiply-adds of one reasoning step and its readout for one puzzle.

    Those of the input's channels, which are computed once for all steps, are left out.

    Args:
        network: `width` and `head` (table 1).
        shape: pixels of the puzzle, [L] or [H, W].
    """
    width, (first, second) = int(network["width"]), network["head"]
    weights = (1 + BLOCK_LAYERS) * width**2 + width * first + first * second + second * CLASSES
    return int(weights * TAPS ** len(shape) * math.prod(shape))
