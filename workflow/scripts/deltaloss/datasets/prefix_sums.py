"""Prefix sums: uniform bit strings and the parity of their first bits (section 3).

Shape letters: N strings, L bits each.
"""

from __future__ import annotations

import numpy as np

from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError
from deltaloss.seeds import derive_seed


def make_prefix_sums(*, bits: int, count: int, seed: int, split: str) -> Examples:
    """Make `count` strings of `bits` independent fair bits, as the originals are.

    String i depends on (seed, split, bits, i) alone: more strings begin with the same ones.

    Args:
        bits: length L of a string, from 1.
        count: number of strings N, from 1.
        seed: seed of the data.
        split: train or test; each has its own random stream.

    Returns:
        inputs [N, 1, L]; targets [N, L], bit j the parity of the input's bits 0 to j.

    Raises:
        DataError: a length or count below 1.
    """
    for name, value in (("bits", bits), ("count", count)):
        if value < 1:
            raise DataError(f"prefix sums: {name} is {value}, must be 1 or more")
    random = np.random.default_rng(derive_seed(seed, "prefix_sums", split, bits))
    strings = random.integers(2, size=(count, bits), dtype=np.uint8)
    return Examples(
        inputs=strings[:, np.newaxis], targets=np.bitwise_xor.accumulate(strings, axis=1)
    )
