"""Mazes carved by randomised depth-first search, and the path through each (section 3).

As in the originals (easy-to-hard-data): a maze of size M, odd, has M x M positions. Its cells are
those of even row and column, R = (M + 1) / 2 a side, all open; a position between two cells is a
passage or a wall. The passages make a tree, so one path joins start and end. The search is rooted
at the start, which therefore has one neighbour. In the image each position is 2 x 2 pixels, inside
a border of 3: P = 2 M + 6 a side. With one pixel per position it is every second pixel of that
image in both directions: a border of 2 above and left, of 1 below and right, P = M + 3.

Shape letters: N mazes, K = R * R cells, M positions a side, P pixels a side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.core.seeds import derive_seed
from deltaloss.puzzles.base import Examples, Made, distinct

BORDERS = {1: (2, 1), 2: (3, 3)}  # pixels per position -> border above and left, below and right
BATCH = 64  # mazes carved at once: bounds the memory, changes no maze
BLOCK = 256 * BATCH  # mazes whose random numbers are drawn at once; another number, other mazes
ORDERS = tuple(permutations(((-1, 0), (0, 1), (1, 0), (0, -1))))  # of trying the neighbours

Bits = NDArray[np.uint8]
Indices = NDArray[np.int64]


def make(
    settings: Mapping[str, Any], splits: Sequence[str], *, file: Path | None, workers: int
) -> Made:
    """Make mazes of `settings["size"]` positions a side; see `puzzles.card` for the arguments."""
    size, count, seed = (settings[key] for key in ("size", "count", "seed"))
    pixels = settings.get("pixels_per_position", 2)
    for split in splits:
        mazes = make_mazes(size=size, count=count, seed=seed, split=split, pixels=pixels)
        yield split, mazes, {}


def make_mazes(
    *, size: int, count: int, seed: int, split: str, pixels: int = 2
) -> Iterator[Examples]:
    """Make `count` different mazes, start and end two different cells drawn uniformly.

    More mazes of the same seed, split and size begin with the same ones, whatever the number of
    pixels per position, a key of `BORDERS`.

    Yields:
        Chunks: inputs [n, 3, P, P] in red, green, blue: wall (0, 0, 0), free (1, 1, 1), start
        (0, 1, 0), end (1, 0, 0); targets [n, P, P], 1 on the path, start and end included.
    """
    return distinct(_draw_mazes(size, seed, split, pixels), count)


def _draw_mazes(size: int, seed: int, split: str, pixels: int) -> Iterator[Examples]:
    """Draw mazes without end."""
    side = (size + 1) // 2
    neighbours = _neighbours(side)
    cell = np.arange(side * side)
    places = 2 * size * (cell // side) + 2 * (cell % side)  # of cells among the M * M positions
    for starts, ends, orders in _draw_numbers(size, seed, split):
        parents = [
            _carve(start, order, neighbours)
            for start, order in zip(starts.tolist(), orders.tolist(), strict=True)
        ]
        yield _examples(np.array(parents), starts, ends, places, pixels)


def _draw_numbers(size: int, seed: int, split: str) -> Iterator[tuple[Indices, Indices, Bits]]:
    """Draw all random numbers, batch by batch: starts and ends [n], orders of trying [n, K].

    The search is the same as one that picks uniformly among a cell's unvisited neighbours: of a
    uniform order, what is left after the cells already visited is again uniform.
    """
    cells = ((size + 1) // 2) ** 2
    pairs, walls = (
        np.random.default_rng(derive_seed(seed, "mazes", split, size, use))
        for use in ("ends", "walls")
    )
    while True:
        starts, others = np.divmod(pairs.integers(cells * (cells - 1), size=BLOCK), cells - 1)
        ends = others + (others >= starts)  # any cell but the start
        orders = walls.integers(len(ORDERS), size=(BLOCK, cells), dtype=np.uint8)
        for first in range(0, BLOCK, BATCH):
            part = slice(first, first + BATCH)
            yield starts[part], ends[part], orders[part]


def _neighbours(side: int) -> list[list[list[int]]]:
    """List for each cell and each of `ORDERS` the cell's neighbours in that order."""
    return [
        [
            [
                (row + down) * side + column + right
                for down, right in order
                if 0 <= row + down < side and 0 <= column + right < side
            ]
            for order in ORDERS
        ]
        for row in range(side)
        for column in range(side)
    ]


def _carve(
    start: int, order: Sequence[int], neighbours: Sequence[Sequence[Sequence[int]]]
) -> list[int]:
    """Search all cells depth first; return the cell each was reached from, the start's itself.

    The search returns along these cells, so it needs no stack.
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


def _examples(
    parents: Indices, starts: Indices, ends: Indices, places: Indices, pixels: int
) -> Examples:
    """Draw mazes, given as parents [n, K] with starts and ends [n]; places [K] are the cells'."""
    mazes = np.arange(len(parents))
    colours = np.zeros((len(parents), 3, places[-1] + 1), dtype=np.uint8)
    colours[:, :, places] = 1
    colours[mazes[:, np.newaxis], :, (places + places[parents]) // 2] = 1  # the passages
    colours[mazes, :, places[starts]] = (0, 1, 0)
    colours[mazes, :, places[ends]] = (1, 0, 0)
    paths = _paths(parents, ends, places)
    return Examples(inputs=_image(colours, pixels), targets=_image(paths, pixels))


def _paths(parents: Indices, ends: Indices, places: Indices) -> Bits:
    """Mark the way from each end back to its start, [n, M * M]; all walk until the last arrives."""
    mazes = np.arange(len(parents))
    paths = np.zeros((len(parents), places[-1] + 1), dtype=np.uint8)
    cells, onward = ends, parents[mazes, ends]
    while (cells != onward).any():
        paths[mazes, places[cells]] = 1
        paths[mazes, (places[cells] + places[onward]) // 2] = 1
        cells, onward = onward, parents[mazes, onward]
    paths[mazes, places[cells]] = 1
    return paths


def _image(positions: Bits, pixels: int) -> Bits:
    """Enlarge positions [..., M * M] to images [..., P, P] with their border."""
    size = round(positions.shape[-1] ** 0.5)
    squares = positions.reshape(*positions.shape[:-1], size, size)
    around = [(0, 0)] * (positions.ndim - 1) + [BORDERS[pixels]] * 2
    return np.pad(squares.repeat(pixels, -1).repeat(pixels, -2), around)


MAKERS = {"generate": make}
