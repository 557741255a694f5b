"""The picture of a maze: walls, path and marks where the example has them."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from deltaloss.puzzles.mazes.picture import draw
from deltaloss.puzzles.pictures import OKABE_ITO, Example
from tests.puzzles.examples import make_mazes


@pytest.fixture
def example():
    made = make_mazes(size=9, count=1)
    return Example(bits=made.inputs[0], answer=made.targets[0])


@pytest.fixture
def ax(example):
    axes = Figure().subplots()
    draw(axes, example)
    return axes


def test_a_maze_has_its_path_start_and_end(example, ax):
    shown = ax.images[0].get_array()
    assert shown.shape == (11, 11)  # with the border, one position wide
    assert (shown == 2).sum() == example.answer.sum() / 4
    assert (shown > 0).sum() == example.bits.any(axis=0).sum() / 4
    assert (shown[[0, -1]] == 0).all()
    assert [line.get_marker() for line in ax.get_lines()] == ["o", "s"]
    for line, colour in zip(ax.get_lines(), ((0, 1, 0), (1, 0, 0)), strict=True):
        column, row = int(line.get_xdata()[0]), int(line.get_ydata()[0])
        assert shown[row, column] == 2
        pixel = example.bits[:, 3 + 2 * (row - 1), 3 + 2 * (column - 1)]
        assert tuple(pixel.tolist()) == colour


def test_wall_path_and_free_positions_differ_in_grey(ax):
    colours = ax.images[0].get_cmap()(range(3))[:, :3]
    wall, path, free = np.sort(colours @ [0.299, 0.587, 0.114])
    assert path - wall > 0.3
    assert free - path > 0.3
    assert to_hex(colours[2]) == OKABE_ITO["sky_blue"].lower()
