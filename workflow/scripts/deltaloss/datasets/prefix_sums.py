"""Prefix sums: uniform bit strings and the parity of their first bits (section 3).

Shape letters: N strings, L bits each.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deltaloss.datasets.store import Examples, join_chunks
from deltaloss.errors import DataError
from deltaloss.seeds import derive_seed

CHUNK = 1024  # strings made at once: bounds the memory, changes no string


def make_prefix_sums(*, bits: int, count: int, seed: int, split: str) -> Examples:
    """Make all that `iterate_prefix_sums` makes, as one."""
    return join_chunks(iterate_prefix_sums(bits=bits, count=count, seed=seed, split=split))


def iterate_prefix_sums(*, bits: int, count: int, seed: int, split: str) -> Iterator[Examples]:
    """Make `count` strings of `bits` independent fair bits, as the originals are.

    String i depends on (seed, split, bits, i) alone: more strings begin with the same ones.

    Args:
        bits: length L of a string, from 1.
        count: number of strings N, from 1.
        seed: seed of the data.
        split: train or test; each has its own random stream.

    Yields:
        Chunks: inputs [n, 1, L]; targets [n, L], bit j the parity of the input's bits 0 to j.

    Raises:
        DataError: a length or count below 1.
    """
    for name, value in (("bits", bits), ("count", count)):
        if value < 1:
            raise DataError(f"prefix sums: {name} is {value}, must be 1 or more")
    random = np.random.default_rng(derive_seed(seed, "prefix_sums", split, bits))
    for start in range(0, count, CHUNK):
        strings = random.integers(2, size=(min(CHUNK, count - start), bits), dtype=np.uint8)
        yield Examples(
            inputs=strings[:, np.newaxis], targets=np.bitwise_xor.accumulate(strings, axis=1)
        )
