"""Mazes carved by randomised depth-first search, and the path through each (section 3).

As in the originals (easy-to-hard-data): a maze of size M, odd, has M x M positions. Its cells are
those of even row and column, R = (M + 1) / 2 a side, all open; a position between two cells is a
passage or a wall. The passages make a tree, so one path joins start and end. The search is rooted
at the start, which therefore has one neighbour. In the image each position is 2 x 2 pixels, inside
a border of 3: P = 2 M + 6 a side.

Shape letters: N mazes, K = R * R cells, M positions a side, P pixels a side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from deltaloss.datasets.store import Examples, join_chunks
from deltaloss.errors import DataError
from deltaloss.seeds import derive_seed

BORDER = 3
SCALE = 2
BATCH = 256  # mazes carved at once: bounds the memory, changes no maze
BLOCK = 64 * BATCH  # mazes whose random numbers are drawn at once; another number, other mazes
ORDERS = tuple(permutations(((-1, 0), (0, 1), (1, 0), (0, -1))))  # of trying the neighbours


def make_mazes(*, size: int, count: int, seed: int, split: str) -> Examples:
    """Make all that `iterate_mazes` makes, as one."""
    return join_chunks(iterate_mazes(size=size, count=count, seed=seed, split=split))


def iterate_mazes(*, size: int, count: int, seed: int, split: str) -> Iterator[Examples]:
    """Make `count` mazes, start and end two different cells drawn uniformly.

    Maze i depends on (seed, split, size, i) alone: more mazes begin with the same ones.

    Args:
        size: positions a side M, walls included: odd, from 3.
        count: number of mazes N, from 1.
        seed: seed of the data.
        split: train or test; each has its own random streams.

    Yields:
        Chunks: inputs [n, 3, P, P] in red, green, blue: wall (0, 0, 0), free (1, 1, 1), start
        (0, 1, 0), end (1, 0, 0); targets [n, P, P], 1 on the path, start and end included.

    Raises:
        DataError: an even or too small size, or a count below 1.
    """
    if size < 3 or size % 2 == 0:
        raise DataError(f"mazes: size is {size}, must be odd and 3 or more")
    if count < 1:
        raise DataError(f"mazes: count is {count}, must be 1 or more")
    neighbours = _neighbours(size)
    pixels = SCALE * size + 2 * BORDER
    for starts, stops, orders in _plan(size, count, seed, split):
        parents = [
            _carve(start, order, neighbours)
            for start, order in zip(starts.tolist(), orders.tolist(), strict=True)
        ]
        inputs = np.zeros((len(parents), 3, pixels, pixels), dtype=np.uint8)
        targets = np.zeros((len(parents), pixels, pixels), dtype=np.uint8)
        _draw(np.array(parents), starts, stops, inputs=inputs, targets=targets)
        yield Examples(inputs=inputs, targets=targets)


def _plan(
    size: int, count: int, seed: int, split: str
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
    """Draw all that is random, batch by batch: starts and stops [n], orders of trying [n, K].

    The search is the same as one that picks uniformly among a cell's unvisited neighbours: of a
    uniform order, what is left after the cells already visited is again uniform.
    """
    cells = _side(size) ** 2
    ends, walls = (
        np.random.default_rng(derive_seed(seed, "mazes", split, size, use))
        for use in ("ends", "walls")
    )
    for begin in range(0, count, BLOCK):
        block = min(BLOCK, count - begin)
        starts, others = np.divmod(ends.integers(cells * (cells - 1), size=block), cells - 1)
        stops = others + (others >= starts)  # any cell but the start
        orders = walls.integers(len(ORDERS), size=(block, cells), dtype=np.uint8)
        for first in range(0, block, BATCH):
            part = slice(first, first + BATCH)
            yield starts[part], stops[part], orders[part]


def _side(size: int) -> int:
    """Give the number of cells a side R."""
    return (size + 1) // 2


def _neighbours(size: int) -> list[list[tuple[int, ...]]]:
    """List for each cell and each of `ORDERS` the cell's neighbours in that order."""
    side = _side(size)
    return [
        [
            tuple(
                (row + down) * side + column + right
                for down, right in order
                if 0 <= row + down < side and 0 <= column + right < side
            )
            for order in ORDERS
        ]
        for row in range(side)
        for column in range(side)
    ]


def _carve(
    start: int, order: Sequence[int], neighbours: Sequence[Sequence[Sequence[int]]]
) -> list[int]:
    """Search all cells depth first; give the cell from which each was reached, the start's itself.

    The way back of the search is along these cells, so it needs no stack.
    """
    parents = [-1] * len(order)
    parents[start] = cell = start
    while True:
        for neighbour in neighbours[cell][order[cell]]:
            if parents[neighbour] < 0:
                parents[neighbour] = cell
                cell = neighbour
                break
        else:
            if cell == start:
                return parents
            cell = parents[cell]


def _draw(
    parents: NDArray[np.int64],
    starts: NDArray[np.int64],
    stops: NDArray[np.int64],
    *,
    inputs: NDArray[np.uint8],
    targets: NDArray[np.uint8],
) -> None:
    """Draw mazes, given as parents [N, K] with ends [N], into inputs and targets of zeros."""
    size = (targets.shape[-1] - 2 * BORDER) // SCALE
    side = _side(size)
    mazes = np.arange(len(parents))
    cell = np.arange(side * side)
    place = 2 * size * (cell // side) + 2 * (cell % side)  # of a cell among the M * M positions

    free = np.zeros((len(parents), size * size), dtype=np.uint8)
    free[:, place] = 1
    free[mazes[:, np.newaxis], (place + place[parents]) // 2] = 1  # the passages
    colours = np.stack([free, free, free], axis=1)
    colours[mazes, 0, place[starts]] = 0
    colours[mazes, 1, place[stops]] = 0
    colours[mazes, 2, place[starts]] = 0
    colours[mazes, 2, place[stops]] = 0
    _enlarge(colours, inputs)
    _enlarge(_paths(parents, stops, place), targets)


def _paths(
    parents: NDArray[np.int64], stops: NDArray[np.int64], place: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Mark the way from each end back to its start, [N, M * M]; all walk until the last arrives."""
    mazes = np.arange(len(parents))
    paths = np.zeros((len(parents), place[-1] + 1), dtype=np.uint8)
    cells, onward = stops, parents[mazes, stops]
    while (cells != onward).any():
        paths[mazes, place[cells]] = 1
        paths[mazes, (place[cells] + place[onward]) // 2] = 1
        cells, onward = onward, parents[mazes, onward]
    paths[mazes, place[cells]] = 1
    return paths


def _enlarge(positions: NDArray[np.uint8], image: NDArray[np.uint8]) -> None:
    """Write positions [..., M * M] into the image [..., P, P], each 2 x 2 pixels in the border."""
    inner = image[..., BORDER:-BORDER, BORDER:-BORDER]
    size = inner.shape[-1] // SCALE
    squares = positions.reshape(*positions.shape[:-1], size, size)
    for row, column in product(range(SCALE), repeat=2):
        inner[..., row::SCALE, column::SCALE] = squares
