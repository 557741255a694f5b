"""Mazes: one path through each, as another search finds it, and drawn as the originals are."""

from __future__ import annotations

import io
import os
import tarfile
from collections import Counter, deque
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, ks_2samp

from deltaloss.core.errors import DataError
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.mazes import make as mazes
from deltaloss.puzzles.mazes.card import DISTINCT
from tests.puzzles.examples import join, take
from tests.puzzles.examples import make_mazes as make

SHARED = Path(os.environ.get("SHARED_DIR", Path(__file__).resolve().parents[4] / "shared"))
ARCHIVES = SHARED / "data" / "easy_to_hard"
COLOURS = {(0, 0, 0): "#", (1, 1, 1): " ", (0, 1, 0): "S", (1, 0, 0): "E"}


def read_image(image):
    """Rows of characters, one per position, of a maze [3, P, P], whose image is checked."""
    inner = image[:, 3:-3, 3:-3]
    assert image.sum() == inner.sum()
    positions = inner[:, ::2, ::2]
    assert np.array_equal(inner, np.kron(positions, np.ones((1, 2, 2), inner.dtype)))
    return ["".join(COLOURS[tuple(pixel)] for pixel in row) for row in positions.T.swapaxes(0, 1)]


def neighbours(rows, place):
    row, column = place
    around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    inside = [(i, j) for i, j in around if 0 <= i < len(rows) and 0 <= j < len(rows)]
    return [(i, j) for i, j in inside if rows[i][j] != "#"]


def solve(rows):
    """Find the shortest path by breadth-first search over positions, and all reached ones."""
    everywhere = [(i, j) for i in range(len(rows)) for j in range(len(rows))]
    (start,) = (place for place in everywhere if rows[place[0]][place[1]] == "S")
    (end,) = (place for place in everywhere if rows[place[0]][place[1]] == "E")
    before = {start: start}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for other in neighbours(rows, place):
            if other not in before:
                before[other] = place
                waiting.append(other)
    path = [end]
    while path[-1] != start:
        path.append(before[path[-1]])
    return path, set(before)


def check_maze(image, answer):
    """Check one maze and its answer; return the length of the path and the number of dead ends."""
    rows = read_image(image)
    size, cells = len(rows), ((len(rows) + 1) // 2) ** 2
    path, reached = solve(rows)
    openings = {(i, j) for i in range(size) for j in range(size) if rows[i][j] != "#"}
    assert reached == openings  # connected, and with as few passages as can be: a tree
    assert len(openings) == 2 * cells - 1
    assert openings >= {(i, j) for i in range(0, size, 2) for j in range(0, size, 2)}
    assert not any(i % 2 and j % 2 for i, j in openings)
    assert len(neighbours(rows, path[-1])) == 1  # the search is rooted at the start
    assert all(i % 2 == j % 2 == 0 for i, j in (path[0], path[-1]))

    expected = np.zeros((size, size), answer.dtype)
    expected[tuple(np.transpose(path))] = 1
    assert np.array_equal(answer, np.pad(np.kron(expected, np.ones((2, 2), answer.dtype)), 3))
    return len(path), sum(len(neighbours(rows, place)) == 1 for place in openings)


def check_all(examples):
    return np.array(
        [
            check_maze(image, answer)
            for image, answer in zip(examples.inputs, examples.targets, strict=True)
        ]
    ).T


@settings(max_examples=25)
@given(half=st.integers(1, 9), count=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_each_maze_has_one_path_and_the_answer_is_it(half, count, seed):
    examples = make(size=2 * half + 1, count=count, seed=seed)
    pixels = 4 * half + 8
    assert examples.inputs.shape == (count, 3, pixels, pixels)
    check_all(examples)


def test_large_mazes_hold_as_well():
    lengths, _ = check_all(make(size=59, count=12))
    assert lengths.max() > 300


@settings(max_examples=20)
@given(fewer=st.integers(1, 30), more=st.integers(0, 30), batch=st.integers(1, 40))
def test_a_maze_depends_on_its_number_alone(fewer, more, batch):
    many = make(size=7, count=fewer + more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mazes, "BATCH", batch)
        few = make(size=7, count=fewer)
    assert np.array_equal(many.inputs[:fewer], few.inputs)
    assert np.array_equal(many.targets[:fewer], few.targets)


def test_each_stream_has_its_own_mazes():
    streams = [make(), make(seed=8), make(split="test")]
    assert len({examples.inputs[:5].tobytes() for examples in streams}) == len(streams)
    assert len(np.unique(make(size=21, count=300).inputs, axis=0)) == 300


def draw(size, count):
    """Mazes as they are drawn, before repeats are left out."""
    drawn = mazes._draw_mazes(size, 1, "train", 2)
    parts = list(islice(drawn, -(-count // mazes.BATCH)))
    return take(join(*parts), slice(count))


def test_no_maze_comes_twice():
    drawn, made = draw(7, 6000), make(size=7, count=5000)
    assert len(np.unique(drawn.inputs, axis=0)) < 5900
    assert len(np.unique(made.inputs, axis=0)) == 5000
    first = np.sort(np.unique(drawn.inputs, axis=0, return_index=True)[1])
    kept = take(drawn, first[:4000].tolist())
    assert np.array_equal(made.inputs[:4000], kept.inputs)
    assert np.array_equal(made.targets[:4000], kept.targets)


def test_more_mazes_than_there_are_are_refused():
    """Of 2 x 2 cells there are 4 trees, of which each has 2 leaves to start from, and 3 ends."""
    assert len(make(size=3, count=24)) == 24
    assert DISTINCT[3] == 24
    assert len(make(size=5, count=DISTINCT[5])) == 864
    with pytest.raises(DataError, match=r"no more than 24 different examples .*25 are asked for"):
        make(size=3, count=25)


def test_one_pixel_per_position_is_every_second_pixel_of_two():
    one, two = make(count=9, pixels=1), make(count=9)
    assert one.inputs.shape == (9, 3, 12, 12)
    assert np.array_equal(one.inputs, two.inputs[:, :, ::2, ::2])
    assert np.array_equal(one.targets, two.targets[:, ::2, ::2])
    assert make(size=59, count=1, pixels=1).inputs.shape[-1] == 62


def test_start_and_end_are_uniform():
    examples = draw(5, 14_400)
    cells = examples.inputs[:, :, 3:-3:4, 3:-3:4].reshape(-1, 3, 9)
    starts = (cells[:, 0] < cells[:, 1]).argmax(axis=1)
    ends = (cells[:, 1] < cells[:, 0]).argmax(axis=1)
    pairs = np.bincount(9 * starts + ends, minlength=81).reshape(9, 9)
    assert not pairs.diagonal().any()
    assert chisquare(pairs[~np.eye(9, dtype=bool)]).pvalue > 1e-4


def tree_probabilities(start):
    """Probability of each tree of 3 x 3 cells when each step is to a random unvisited cell."""
    found = Counter()

    def walk(trail, visited, passages, odds):
        while trail:
            row, column = divmod(trail[-1], 3)
            around = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            inside = (3 * i + j for i, j in around if 0 <= i < 3 and 0 <= j < 3)
            free = [cell for cell in inside if cell not in visited]
            if free:
                for cell in free:
                    passage = frozenset((trail[-1], cell))
                    walk((*trail, cell), visited | {cell}, passages | {passage}, odds / len(free))
                return
            trail = trail[:-1]
        found[frozenset(passages)] += odds

    walk((start,), frozenset({start}), frozenset(), 1.0)
    return found


def test_the_trees_have_the_odds_of_a_random_depth_first_search():
    """All trees of 3 x 3 cells, by their exact probabilities."""
    examples = draw(5, 18_000)
    open_positions = examples.inputs.max(axis=1)[:, 3:-3:2, 3:-3:2]
    cells = examples.inputs[:, :, 3:-3:4, 3:-3:4].reshape(-1, 3, 9)
    starts = (cells[:, 0] < cells[:, 1]).argmax(axis=1)
    places = {2 * (cell // 3) * 5 + 2 * (cell % 3): cell for cell in range(9)}
    edges = {
        (one + other) // 2: frozenset((places[one], places[other]))
        for one in places
        for other in places
        if other - one in (2, 10) and (other - one == 10 or one // 5 == other // 5)
    }
    observed = Counter()
    for start, positions in zip(starts.tolist(), open_positions.reshape(-1, 25), strict=True):
        tree = frozenset(edges[p] for p in np.flatnonzero(positions).tolist() if p in edges)
        observed[start, tree] += 1
    expected = {
        (start, tree): odds * (starts == start).sum()
        for start in range(9)
        for tree, odds in tree_probabilities(start).items()
    }
    assert set(observed) <= set(expected)
    counts = [observed[outcome] for outcome in expected]
    assert chisquare(counts, list(expected.values())).pvalue > 1e-4


@pytest.mark.parametrize(
    ("size", "count", "seed", "split", "digest"),
    [
        (9, 20, 42, "train", "19a5dc409a41c638"),
        (13, 600, 42, "test", "b7c83d2757af3724"),
        (7, 17_000, 3, "train", "c83a0ee79c637b13"),  # more than one block of random numbers
    ],
)
def test_the_mazes_of_a_seed_are_the_recorded_ones(size, count, seed, split, digest):
    made = make(size=size, count=count, seed=seed, split=split)
    assert made.digest()[:16] == digest


def read_archive(name):
    with tarfile.open(ARCHIVES / f"{name}.tar.gz") as archive:
        members = {Path(member.name).name: member for member in archive.getmembers()}
        inputs, targets = (
            np.load(io.BytesIO(archive.extractfile(members[f"{part}.npy"]).read()))
            for part in ("inputs", "solutions")
        )
    return Examples(inputs=inputs.astype(np.uint8), targets=targets.astype(np.uint8))


@pytest.mark.skipif(not ARCHIVES.is_dir(), reason="no original archives (SHARED_DIR)")
@pytest.mark.parametrize(
    ("name", "size", "count"),
    [
        ("maze_data_train_9", 9, 800),
        ("maze_data_test_9", 9, 400),
        ("maze_data_test_13", 13, 300),
        ("maze_data_test_59", 59, 25),
    ],
)
def test_the_originals_are_drawn_and_distributed_as_ours(name, size, count):
    originals = read_archive(name)
    assert originals.inputs.shape[-1] == 2 * size + 6
    lengths, dead_ends = check_all(originals)
    ours = check_all(make(size=size, count=count))
    for theirs, mine in zip((lengths, dead_ends), ours, strict=True):
        assert ks_2samp(theirs, mine).pvalue > 1e-3
