"""Audit of mazes: every label proven to be the one path from start to end.

Where the open positions form a tree, there is one path between two of them, and any set of open
positions is this path if both ends have one neighbour in it and all others have two: with n
positions it has n - 1 connections and no loop, so it is in one piece. How the mazes were carved is
not used; `make` says what an image holds.

Shape letters: N mazes, B in a chunk, M positions a side, P pixels a side: 2 M + 6, or M + 3 with
one pixel per position.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.checks import (
    Bits,
    Check,
    Findings,
    Flags,
    Prints,
    chunks,
    describe_lengths,
    prints_of,
)

BORDERS = {1: (2, 1), 2: (3, 3)}  # pixels per position -> border above and left, below and right
WALL, END, START, FREE = 0, 4, 2, 7  # 4 red + 2 green + blue

_FAULTS = {
    "image": "are no image of a maze: equal pixels per position, empty borders, one start, one end",
    "connected": "have open positions that the start does not reach",
    "tree": "have more than one way between two positions",
    "start": "have a start with other than one neighbour",
    "labels": "have a label that is not the path from start to end",
}

# Of two mazes of a size one is the other, turned or mirrored, once in so many times. Measured on
# 100,000 mazes of size 9 and fewer of the others; unknown, and huge, from size 13.
_KINDS = {3: 3.0, 5: 104.0, 7: 7.1e3, 9: 1.24e6, 11: 9e8}
_WAYS = 8  # a square can lie

Counts = NDArray[np.int64]


def inspect(examples: Examples, source: str) -> Findings:
    """Verify images [N, 3, P, P] and paths [N, P, P].

    Args:
        examples: the mazes and their paths.
        source: makes no difference here.

    Raises:
        DataError: the examples are no images of mazes.
    """
    shape = examples.inputs.shape
    if len(shape) != 4 or shape[0] < 1 or shape[1] != 3 or shape[2] != shape[3]:
        raise DataError(f"mazes: inputs are {shape}, must be [N, 3, P, P]")
    pixels = _pixels_per_position(examples.inputs)
    size, rest = divmod(shape[-1] - sum(BORDERS[pixels]), pixels)
    if rest or size < 1:
        raise DataError(f"mazes: images of {shape[-1]} pixels a side have no size of a maze")
    parts = [
        _inspect_chunk(examples.inputs[part], examples.targets[part], pixels)
        for part in chunks(examples.inputs)
    ]
    faults, numbers, prints = (np.concatenate(one, axis=-1) for one in zip(*parts, strict=True))
    whole = np.flatnonzero(~faults[0])
    checks = [
        Check(name=name, fault=text, failed=failed)
        if name == "image"
        else Check(name=name, fault=text, failed=failed[whole], rows=whole, proves=name != "start")
        for (name, text), failed in zip(_FAULTS.items(), faults, strict=True)
    ]
    opened, lengths, ones = numbers
    return Findings(
        size=size,
        checks=checks,
        ones=int(ones.sum()),
        counted=int(opened.sum()),
        solutions=describe_lengths("positions of the path, both ends included", lengths[whole]),
        prints={"up_to_symmetry": prints},
        possible={"up_to_symmetry": _KINDS[size], "exact": _WAYS * _KINDS[size]}
        if size in _KINDS
        else {},
    )


def _pixels_per_position(images: Bits) -> int:
    """Find the pixels a side of a position: with 2, the border is wider in most images."""
    return 1 if 2 * images[:, :, 2, 2].any(axis=1).sum() > len(images) else 2


def _inspect_chunk(pixels: Bits, answers: Bits, scale: int) -> tuple[Flags, Counts, Prints]:
    """Inspect images [B, 3, P, P] and labels [B, P, P].

    Returns:
        The faults in the order of `_FAULTS`, [5, B]; the numbers of open pixels, of positions of
        the label, and of open pixels of the label, [3, B]; and the prints [B].
    """
    colours, labels = _positions(pixels, scale), _positions(answers, scale)
    places = 4 * colours[:, 0] + 2 * colours[:, 1] + colours[:, 2]
    free, starts, ends = places != WALL, places == START, places == END
    regular = _regular(pixels, colours, scale).all(axis=1) & _regular(answers, labels, scale)
    known = np.isin(places, (WALL, FREE, START, END)).all(axis=(1, 2))
    one_each = (_count(starts) == 1) & (_count(ends) == 1)
    # The neighbours that each position must have on the path.
    path = labels == 1
    wanted = np.where(starts | ends, 1, 2)
    is_path = (~path | (free & (_neighbours(path) == wanted))).all(axis=(1, 2))
    is_path &= ~((starts | ends) & ~path).any(axis=(1, 2))
    faults = np.stack(
        [
            ~(regular & known & one_each),
            _pieces(free) != 1,
            _count(_neighbours(free) * free) != 2 * (_count(free) - 1),
            _count(_neighbours(free) * starts) != 1,
            ~is_path,
        ]
    )
    opened = pixels.max(axis=1)
    numbers = np.stack([_count(opened), _count(labels), _count(opened & answers)])
    turned = [prints_of(np.ascontiguousarray(way)) for way in _symmetries(colours)]
    return faults, numbers, np.minimum.reduce(turned)


def _positions(image: Bits, scale: int) -> Bits:
    """Take one pixel, the upper left, of each position: [..., P, P] to [..., M, M]."""
    before, after = BORDERS[scale]
    inner = slice(before, -after, scale)
    return image[..., inner, inner]


def _regular(image: Bits, positions: Bits, scale: int) -> Flags:
    """Whether images [..., P, P] are their positions [..., M, M] enlarged in an empty border."""
    around = [(0, 0)] * (image.ndim - 2) + [BORDERS[scale]] * 2
    enlarged = np.pad(positions.repeat(scale, -1).repeat(scale, -2), around)
    equal: Flags = (image == enlarged).all(axis=(-2, -1))
    return equal


def _count(places: NDArray[Any]) -> Counts:
    """Sum [B, M, M] over the positions of each maze."""
    total: Counts = places.sum(axis=(1, 2), dtype=np.int64)
    return total


def _neighbours(free: Flags) -> Bits:
    """Count the open neighbours of each position of [B, M, M]."""
    framed = np.pad(free, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    count: Bits = (
        framed[:, :-2, 1:-1] + framed[:, 2:, 1:-1] + framed[:, 1:-1, :-2] + framed[:, 1:-1, 2:]
    )
    return count


def _pieces(free: Flags) -> Counts:
    """Count the connected pieces of open positions in each maze of [B, M, M]."""
    within = np.zeros((3, 3, 3), dtype=np.bool_)  # neighbours in the same maze only
    within[1, 1, :] = within[1, :, 1] = True
    pieces, _ = label(free, structure=within)
    numbers, first = np.unique(pieces, return_index=True)
    mazes = first[numbers > 0] // free[0].size
    return np.bincount(mazes, minlength=len(free))


def _symmetries(squares: Bits) -> Iterator[Bits]:
    """Yield [..., M, M] in the eight ways in which a square can lie."""
    for one in (squares, squares.swapaxes(-2, -1)):
        for turned in (one, one[..., ::-1, :]):
            yield turned
            yield turned[..., ::-1]
