"""Pictures of puzzles that bring none of their own."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from deltaloss.puzzles.mazes import picture
from deltaloss.puzzles.pictures import Example, draw_plain, load_picture


def test_a_puzzle_without_a_picture_is_drawn_plainly():
    assert load_picture("mazes") is picture.draw
    assert load_picture("no_such_puzzle") is draw_plain


@pytest.mark.parametrize("channels", [1, 3])
def test_a_string_is_drawn_as_rows_with_the_answer_below(channels):
    bits = np.random.default_rng(0).integers(2, size=(channels, 9), dtype=np.uint8)
    answer = np.arange(9, dtype=np.uint8) % 2
    ax = Figure().subplots()
    draw_plain(ax, Example(bits=bits, answer=answer))
    *above, below = ax.images[0].get_array()
    np.testing.assert_array_equal(above, bits)
    np.testing.assert_array_equal(below > 0, answer == 1)


def test_an_image_is_drawn_with_its_answer_over_it():
    bits = np.zeros((2, 4, 5), dtype=np.uint8)
    bits[0, 1], bits[:, 2] = 1, 1
    answer = np.zeros((4, 5), dtype=np.uint8)
    answer[3, 4] = 1
    ax = Figure().subplots()
    draw_plain(ax, Example(bits=bits, answer=answer))
    grey, marked = (image.get_array() for image in ax.images)
    assert grey[:, 0].tolist() == [0, 0.5, 1, 0]
    assert np.argwhere(~np.ma.getmaskarray(marked)).tolist() == [[3, 4]]
