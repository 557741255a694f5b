"""Audit of mazes: every path searched again, breadth first, in many mazes at once.

See `mazes` for what an image holds. A path is the only one, and the shortest, where the open
positions form a tree; how the mazes were carved is not used.

Shape letters: N mazes, B in a chunk, M positions a side, P = 2 M + 6 pixels a side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.audit_base import (
    Bits,
    Check,
    Findings,
    Prints,
    chunks,
    describe_lengths,
    number_of,
)
from deltaloss.datasets.store import Examples
from deltaloss.errors import DataError

BORDER = 3
SCALE = 2
_RED, _GREEN, _BLUE = 4, 2, 1
WALL, FREE, START, END = 0, _RED | _GREEN | _BLUE, _GREEN, _RED

Flags = NDArray[np.bool_]
Indices = NDArray[np.int64]


class _Search(NamedTuple):
    """What a search from the starts of B mazes finds.

    The positions stand in one flat row, each maze M x M of them in a frame of walls.
    """

    reached: Flags  # [B], whether all open positions were
    paths: Flags  # [B, M, M], the way from end to start; empty where the end was not reached


def inspect(examples: Examples, source: str) -> Findings:
    """Verify images [N, 3, P, P] and paths [N, P, P].

    Args:
        examples: the mazes and their paths.
        source: where they come from; makes no difference here.

    Raises:
        DataError: the examples are no images of mazes.
    """
    size = _size(examples.inputs.shape)
    parts = [_inspect_chunk(examples, part) for part in chunks(examples.inputs)]
    faults = {name: np.concatenate([faults[name] for faults, _, _ in parts]) for name in _FAULTS}
    whole = ~faults["image"]
    rows = np.flatnonzero(whole)
    checks = [
        Check(name=name, fault=text, failed=faults[name])
        if name == "image"
        else Check(name=name, fault=text, failed=faults[name][whole], rows=rows)
        for name, text in _FAULTS.items()
    ]
    lengths = np.concatenate([lengths for _, lengths, _ in parts])
    open_pixels, ones = _balance(examples)
    return Findings(
        size=size,
        checks=checks,
        ones=ones,
        counted=open_pixels,
        solutions=describe_lengths("positions of the path, both ends included", lengths[whole]),
        prints={"up_to_symmetry": np.concatenate([prints for _, _, prints in parts])},
        possible={"up_to_symmetry": _KINDS[size], "exact": _WAYS * _KINDS[size]}
        if size in _KINDS
        else {},
    )


# Of two mazes of a size one is the other, turned or mirrored, once in so many times. Measured on
# 100,000 mazes of size 9 and fewer of the others from `mazes`; unknown, and huge, from size 13.
_KINDS = {3: 3.0, 5: 104.0, 7: 7.1e3, 9: 1.24e6, 11: 9e8}
_WAYS = 8  # a square can lie

_FAULTS = {
    "image": "are no image of a maze: 2x2 pixels a position, a border of 3, one start, one end",
    "connected": "have open positions that the start does not reach",
    "tree": "have more than one way between two positions",
    "start": "have a start with other than one neighbour",
    "labels": "have a label that is not the shortest path from start to end",
}


def _size(shape: tuple[int, ...]) -> int:
    """Give the positions a side M of images [N, 3, P, P]."""
    size = (shape[-1] - 2 * BORDER) // SCALE
    if len(shape) != 4 or shape[0] < 1 or shape[1:] != (3, *[SCALE * size + 2 * BORDER] * 2):
        raise DataError(f"mazes: inputs are {shape}, must be [N, 3, P, P] with P = 2 M + 6")
    return size


def _inspect_chunk(examples: Examples, part: slice) -> tuple[dict[str, Flags], Indices, Prints]:
    """Give the faults by name, the lengths of the labels and the prints of some mazes."""
    pixels, answers = examples.inputs[part], examples.targets[part]
    images = pixels[:, 0] * _RED + pixels[:, 1] * _GREEN + pixels[:, 2] * _BLUE
    places, labels = _positions(images), _positions(answers)
    malformed = ~(_regular(images) & _regular(answers) & _one_of_each(places))
    free = places != WALL
    search = _search(free, starts=places == START, ends=places == END)
    faults = {
        "image": malformed,
        "connected": ~search.reached,
        "tree": _edges(free) != free.sum(axis=(1, 2)) - 1,
        "start": (_neighbours(free) * (places == START)).sum(axis=(1, 2)) != 1,
        "labels": (labels != search.paths).any(axis=(1, 2)),
    }
    return faults, labels.sum(axis=(1, 2), dtype=np.int64), _canonical_prints(places)


def _positions(image: Bits) -> Bits:
    """Take one pixel, the upper left, of each position: [B, P, P] to [B, M, M]."""
    return image[:, BORDER:-BORDER:SCALE, BORDER:-BORDER:SCALE]


def _regular(image: Bits) -> Flags:
    """Say of [B, P, P] whether the border is empty and the pixels of each position are equal."""
    border = image.copy()
    inner = border[:, BORDER:-BORDER, BORDER:-BORDER]
    repeated = _positions(image).repeat(SCALE, axis=1).repeat(SCALE, axis=2)
    equal: Flags = (inner == repeated).all(axis=(1, 2))
    inner[:] = 0
    return equal & ~border.any(axis=(1, 2))


def _one_of_each(places: Bits) -> Flags:
    """Say of [B, M, M] whether it has one start, one end, and else only walls and free places."""
    starts, ends = ((places == colour).sum(axis=(1, 2)) for colour in (START, END))
    others = (~np.isin(places, (WALL, FREE, START, END))).sum(axis=(1, 2))
    fits: Flags = (starts == 1) & (ends == 1) & (others == 0)
    return fits


def _edges(free: Flags) -> Indices:
    """Count the pairs of open positions side by side in [B, M, M]."""
    across = (free[:, :, 1:] & free[:, :, :-1]).sum(axis=(1, 2))
    down = (free[:, 1:] & free[:, :-1]).sum(axis=(1, 2))
    total: Indices = across + down
    return total


def _neighbours(free: Flags) -> Bits:
    """Count the open neighbours of each position of [B, M, M]."""
    framed = np.pad(free, ((0, 0), (1, 1), (1, 1))).astype(np.uint8)
    count: Bits = (
        framed[:, :-2, 1:-1] + framed[:, 2:, 1:-1] + framed[:, 1:-1, :-2] + framed[:, 1:-1, 2:]
    )
    return count


def _search(free: Flags, *, starts: Flags, ends: Flags) -> _Search:
    """Search [B, M, M] from the starts, all mazes at the same depth, and walk back from the ends.

    The work is in proportion to the open positions, whatever the depth, also where there are loops.
    """
    frame = ((0, 0), (1, 1), (1, 1))
    unseen = np.pad(free, frame)
    shape, flat = unseen.shape, unseen.reshape(-1)
    offsets = np.array([-shape[2], -1, 1, shape[2]])
    parents = np.full(flat.size, -1, dtype=np.int64)
    claims = np.zeros(flat.size, dtype=np.int64)
    reached = np.flatnonzero(np.pad(starts, frame))
    parents[reached], flat[reached] = reached, False
    while len(reached):
        origins = np.repeat(reached, len(offsets))
        found = (reached[:, np.newaxis] + offsets).ravel()
        kept = flat[found]
        found, origins = found[kept], origins[kept]
        claims[found] = np.arange(len(found))  # where two reach one position, the last has it
        kept = claims[found] == np.arange(len(found))
        reached = found[kept]
        parents[reached], flat[reached] = origins[kept], False
    paths = np.zeros(flat.size, dtype=np.bool_)
    here = np.flatnonzero(np.pad(ends, frame))
    here = here[parents[here] >= 0]
    while len(here):
        paths[here] = True
        here = here[parents[here] != here]
        here = parents[here]
    left: Indices = unseen.sum(axis=(1, 2))
    return _Search(left == 0, paths.reshape(shape)[:, 1:-1, 1:-1])


def _canonical_prints(places: Bits) -> Prints:
    """Give a number [B] for each maze [B, M, M], equal for turned and mirrored ones."""
    ways = [np.ascontiguousarray(one) for one in _symmetries(places)]
    numbers = [number_of(min(row.tobytes() for row in rows)) for rows in zip(*ways, strict=True)]
    return np.array(numbers, dtype=np.uint64)


def _symmetries(squares: Bits) -> Iterator[Bits]:
    """Yield [B, M, M] in the eight ways in which a square can lie."""
    for one in (squares, squares.swapaxes(1, 2)):
        for turned in (one, one[:, ::-1]):
            yield turned
            yield turned[:, :, ::-1]


def _balance(examples: Examples) -> tuple[int, int]:
    """Count the open pixels, and those of them that are on a path."""
    opened = ones = 0
    for part in chunks(examples.inputs):
        counted = examples.inputs[part].any(axis=1)
        opened += int(counted.sum())
        ones += int((counted & (examples.targets[part] == 1)).sum())
    return opened, ones
