"""Pictures of answers: right, missing and wrong pixels differ in colour and in shape."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from deltaloss.puzzles.answer_pictures import (
    RIGHT,
    WRONG,
    draw_image,
    draw_marks,
    draw_string,
    load_answer_picture,
)
from deltaloss.puzzles.mazes import answer_picture
from deltaloss.puzzles.mazes.make import make_mazes
from deltaloss.puzzles.pictures import Example


def test_a_puzzle_without_a_picture_is_drawn_plainly():
    assert load_answer_picture("mazes", dimensions=2).draw is answer_picture.draw
    assert load_answer_picture("no_such_puzzle", dimensions=1).draw is draw_string
    assert load_answer_picture("no_such_puzzle", dimensions=2).draw is draw_image


def test_a_string_s_wrong_bits_are_underlined():
    target = np.array([0, 1, 0, 1], dtype=np.uint8)
    answer = np.array([False, True, True, False])
    ax = Figure().subplots()
    draw_string(ax, Example(bits=target[np.newaxis], answer=target), answer)
    bits, same, underline = np.asarray(ax.images[0].get_array())
    assert bits.tolist() == same.tolist() == answer.astype(int).tolist()
    assert underline.tolist() == [0, 0, 2, 2]


@pytest.mark.parametrize("side", [4, 40], ids=["fine", "coarse"])
def test_marks_are_filled_hollow_or_crossed(side):
    answer, target = np.zeros((2, side, side), dtype=bool)
    answer[0, :2] = target[0, 1:3] = True  # wrong, right, missing
    ax = Figure().subplots()
    draw_marks(ax, answer, target)
    marks = np.asarray(ax.images[0].get_array())
    fine = len(marks) // side
    wrong, right, missing = (marks[:fine, n * fine : (n + 1) * fine] for n in range(3))
    assert (right == to_rgba(RIGHT)).all()
    middle = fine // 2
    assert (missing[0] == to_rgba(RIGHT)).all()
    assert missing[middle, middle, 3] == 0
    assert (wrong[middle, middle] == to_rgba(WRONG)).all()
    assert (wrong[0, 0] == to_rgba(WRONG)).all()
    assert wrong[0, middle, 3] == 0
    assert not marks[fine:].any()


@pytest.mark.parametrize("pixels", [1, 2])
def test_a_maze_s_path_lies_on_open_pixels_between_its_marks(pixels):
    (made,) = make_mazes(size=7, count=1, seed=2, split="test", pixels=pixels)
    example = Example(
        bits=made.inputs[0], answer=made.targets[0], facts={"pixels_per_position": pixels}
    )
    ax = Figure().subplots()
    answer_picture.draw(ax, example, made.targets[0] == 1)
    maze, marks = (np.asarray(one.get_array()) for one in ax.images)
    side = 9 * pixels
    assert maze.shape == (side, side)
    fine = len(marks) // side
    path = marks[fine // 2 :: fine, fine // 2 :: fine, 3] == 1
    assert np.count_nonzero(path) == np.count_nonzero(made.targets[0])
    assert maze[path].all()
    for line in ax.lines:
        (column,), (row,) = line.get_data()
        assert path[int(row), int(column)]
