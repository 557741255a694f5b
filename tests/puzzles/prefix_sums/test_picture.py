"""The picture of a string."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from deltaloss.puzzles.pictures import Example
from deltaloss.puzzles.prefix_sums.picture import draw
from tests.puzzles.examples import make_strings


@pytest.mark.parametrize("size", [8, 80])
def test_bits_stand_above_their_sums(size):
    made = make_strings(size=size, count=1)
    ax = Figure().subplots()
    draw(ax, Example(bits=made.inputs[0], answer=made.targets[0]))
    above, below = ax.images[0].get_array()
    np.testing.assert_array_equal(above, made.inputs[0, 0])
    np.testing.assert_array_equal(below > 0, made.targets[0] == 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Bits", "Sums"]
