"""Prefix sums: uniform bit strings and the parity of their first bits (section 3).

Shape letters: N strings, L bits each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deltaloss.core.seeds import derive_seed
from deltaloss.puzzles.base import Examples, Made, distinct

CHUNK = 1024  # strings made at once: bounds the memory, changes no string


def make(
    settings: Mapping[str, Any], splits: Sequence[str], *, file: Path | None, workers: int
) -> Made:
    """Make strings of `settings["size"]` bits; see `puzzles.card` for the arguments."""
    size, count, seed = (settings[key] for key in ("size", "count", "seed"))
    for split in splits:
        yield split, make_strings(size=size, count=count, seed=seed, split=split), {}


def make_strings(*, size: int, count: int, seed: int, split: str) -> Iterator[Examples]:
    """Make `count` different strings of `size` fair bits, as the originals are.

    More strings of the same seed, split and size begin with the same ones.

    Yields:
        Chunks: inputs [n, 1, L]; targets [n, L], bit j the parity of the input's bits 0 to j.
    """
    return distinct(_draw_strings(size, seed, split), count)


def _draw_strings(size: int, seed: int, split: str) -> Iterator[Examples]:
    """Draw strings without end."""
    random = np.random.default_rng(derive_seed(seed, "prefix_sums", split, size))
    while True:
        strings = random.integers(2, size=(CHUNK, size), dtype=np.uint8)
        yield Examples(
            inputs=strings[:, np.newaxis], targets=np.bitwise_xor.accumulate(strings, axis=1)
        )


MAKERS = {"generate": make}
