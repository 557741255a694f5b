"""The audit of mazes: silent on made ones, and each check fires on its own fault."""

from __future__ import annotations

import numpy as np
import pytest

from deltaloss.core.errors import DataError
from deltaloss.puzzles import checks
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.mazes.audit import inspect
from tests.puzzles.examples import join, make_mazes, take

WHITE, BLACK, GREEN, RED = (1, 1, 1), (0, 0, 0), (0, 1, 0), (1, 0, 0)
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))


@pytest.fixture(scope="module")
def mazes():
    return make_mazes(size=13, count=60)


@pytest.fixture
def wrong(mazes):
    return take(mazes, slice(None))


def failed(examples):
    return {check.name for check in inspect(examples, "generate").checks if check.failed.any()}


def places(examples, number):
    """Positions [M, M, 3] of a maze, a view."""
    return examples.inputs[number, :, 3:-3:2, 3:-3:2].transpose(1, 2, 0)


def find(examples, number, colour):
    return np.argwhere((places(examples, number) == colour).all(axis=2))


def square(row, column):
    return np.s_[3 + 2 * row : 5 + 2 * row, 3 + 2 * column : 5 + 2 * column]


def paint(examples, number, place, colour):
    """Change the colour of a position."""
    examples.inputs[number][:, *square(*place)] = np.reshape(colour, (3, 1, 1))


@pytest.mark.parametrize(
    ("size", "count"), [(3, 24), (5, 60), (7, 300), (9, 1000), (59, 20), (201, 2)]
)
def test_made_mazes_pass(size, count):
    found = inspect(make_mazes(size=size, count=count, seed=3), "generate")
    assert found.size == size
    assert {check.name for check in found.checks} == {
        *("image", "connected", "tree", "start", "labels")
    }
    assert {tuple(check.report().values()) for check in found.checks} == {(count, 0)}


def test_the_part_of_the_mazes_looked_at_together_makes_no_difference(mazes, monkeypatch):
    whole = inspect(mazes, "generate")
    monkeypatch.setattr(checks, "CHUNK_BYTES", 7 * mazes.inputs[0].size)
    parts = inspect(mazes, "generate")
    assert (parts.ones, parts.counted) == (whole.ones, whole.counted)
    assert parts.solutions == whole.solutions
    np.testing.assert_array_equal(parts.prints["up_to_symmetry"], whole.prints["up_to_symmetry"])


def test_mazes_of_one_pixel_per_position_are_audited_alike(mazes):
    two, one = inspect(make_mazes(), "generate"), inspect(make_mazes(pixels=1), "generate")
    assert one.size == two.size == 9
    assert not any(check.failed.any() for check in one.checks)
    assert one.solutions == two.solutions
    np.testing.assert_array_equal(one.prints["up_to_symmetry"], two.prints["up_to_symmetry"])
    wrong = make_mazes(pixels=1)
    wrong.targets[3] = wrong.targets[4]
    assert failed(wrong) == {"labels"}


def test_a_wall_on_the_path(wrong):
    free = places(wrong, 5).any(axis=2)
    wrong.targets[5][square(*np.argwhere(~free)[0])] = 1
    assert failed(wrong) == {"labels"}


def test_the_path_of_another_maze(wrong):
    wrong.targets[5] = wrong.targets[6]
    assert failed(wrong) == {"labels"}


def test_every_wrong_path_of_a_tree_is_found():
    """All 2^7 labels of the open positions of small mazes: only the made one passes."""
    for number in range(6):
        one = take(make_mazes(size=3, count=6), [number])
        free = np.argwhere(places(one, 0).any(axis=2))
        labels = (np.arange(2 ** len(free))[:, None] >> np.arange(len(free))) & 1
        targets = np.zeros((len(labels), 12, 12), dtype=np.uint8)
        for column, place in enumerate(free):
            targets[:, *square(*place)] = labels[:, column, None, None]
        many = Examples(inputs=one.inputs.repeat(len(labels), axis=0), targets=targets)
        (check,) = [c for c in inspect(many, "generate").checks if c.name == "labels"]
        right = np.flatnonzero(~check.failed)
        np.testing.assert_array_equal(targets[right], one.targets)


def test_an_opened_wall_makes_a_second_way(wrong):
    free = places(wrong, 7).any(axis=2)
    ends = {tuple(find(wrong, 7, colour)[0].tolist()) for colour in (GREEN, RED)}
    wall = next(
        (row, column)
        for row, column in np.argwhere(~free).tolist()
        if row % 2 == 0
        and free[row, column - 1]
        and free[row, column + 1]
        and not ends & {(row, column - 1), (row, column + 1)}
    )
    paint(wrong, 7, wall, WHITE)
    assert failed(wrong) == {"tree"}


def test_a_closed_passage_cuts_a_part_off(wrong):
    passage = next(
        (row, column)
        for row, column in find(wrong, 8, WHITE)
        if (row + column) % 2 and not wrong.targets[8][square(row, column)].any()
    )
    paint(wrong, 8, passage, BLACK)
    assert failed(wrong) == {"connected", "tree"}


def test_a_start_with_two_neighbours(wrong):
    """The start moves one position along the path, which is a part of the old one."""
    number = next(one for one in range(60) if wrong.targets[one].sum() >= 4 * 4)
    (start,) = find(wrong, number, GREEN)
    path = wrong.targets[number, 3:-3:2, 3:-3:2]
    step = next(
        start + way
        for way in STEPS
        if min(start + way) >= 0 and max(start + way) < 13 and path[tuple(start + way)]
    )
    paint(wrong, number, start, WHITE)
    paint(wrong, number, step, GREEN)
    wrong.targets[number][square(*start)] = 0
    assert failed(wrong) == {"start"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one: one.inputs[9, :, 0].fill(1),
        lambda one: one.targets[9, :3].fill(1),
        lambda one: paint(one, 9, find(one, 9, WHITE)[0], (1, 0, 1)),
        lambda one: paint(one, 9, find(one, 9, WHITE)[0], GREEN),
        lambda one: paint(one, 9, find(one, 9, RED)[0], WHITE),
        lambda one: one.inputs[9, :, 3, 3].__ixor__(1),
        lambda one: one.targets[9, 3:4, 3:4].__ixor__(1),
    ],
    ids=["border", "border of the path", "colour", "two starts", "no end", "pixel", "half"],
)
def test_a_malformed_image_is_named_and_not_looked_at_further(wrong, spoil):
    spoil(wrong)
    image, *others = inspect(wrong, "generate").checks
    assert image.name == "image"
    assert image.report() == {"checked": 60, "failed": 1}
    assert "number 9, from 0" in image.faults()[0]
    assert {tuple(check.report().values()) for check in others} == {(59, 0)}


def test_an_open_field_is_no_maze():
    inputs = np.zeros((1, 3, 124, 124), dtype=np.uint8)
    inputs[:, :, 3:-3, 3:-3] = 1
    field = Examples(inputs=inputs, targets=np.zeros((1, 124, 124), dtype=np.uint8))
    paint(field, 0, (0, 0), GREEN)
    paint(field, 0, (58, 58), RED)
    assert failed(field) == {"tree", "start", "labels"}


def test_lengths_are_in_positions_and_ones_among_open_pixels(mazes):
    found = inspect(take(mazes, [3]), "generate")
    assert found.solutions["mean"] == mazes.targets[3].sum() / 4
    assert found.ones == mazes.targets[3].sum()
    assert found.counted == mazes.inputs[3].any(axis=0).sum()


@pytest.mark.parametrize("mirrored", [False, True], ids=["turned", "mirrored"])
@pytest.mark.parametrize("quarters", range(4))
def test_prints_are_equal_in_the_eight_ways_a_square_can_lie(mazes, quarters, mirrored):
    way = slice(None, None, -1 if mirrored else 1)
    inputs, targets = (
        np.rot90(array, quarters, axes=(-2, -1))[..., way]
        for array in (mazes.inputs[[2]], mazes.targets[[2]])
    )
    prints = inspect(join(mazes, Examples(inputs=inputs, targets=targets)), "").prints
    assert len(np.unique(prints["up_to_symmetry"])) == 60
    assert prints["up_to_symmetry"][2] == prints["up_to_symmetry"][60]


@pytest.mark.parametrize(
    "shape",
    [(2, 3, 24, 22), (2, 1, 24, 24), (2, 3, 25, 25), (0, 3, 24, 24)],
    ids=["not square", "one channel", "odd", "empty"],
)
def test_arrays_of_another_shape_are_refused(shape):
    inputs = np.zeros(shape, dtype=np.uint8)
    with pytest.raises(DataError, match=r"must be \[N, 3, P, P\]|no size of a maze"):
        inspect(Examples(inputs=inputs, targets=inputs[:, 0]), "generate")
