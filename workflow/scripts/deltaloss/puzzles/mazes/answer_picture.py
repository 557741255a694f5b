"""Picture of an answer to a maze: the path as far as it is found, the rest of it hollow."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from deltaloss.puzzles.answer_pictures import Bits, draw_marks
from deltaloss.puzzles.mazes.make import BORDERS
from deltaloss.puzzles.mazes.picture import MARKS
from deltaloss.puzzles.pictures import PAPER, Example, remove_ticks

KEY = ("path, found", "path, missing", "not on the path")
WALL = "0.75"
POINTS = 1.6, 3.5  # diameter of a mark: positions, and points at least


def draw(ax: Axes, example: Example, answer: Bits) -> None:
    """Draw a maze with one position of its border, and the marked path over it."""
    pixels = example.facts.get("pixels_per_position", 2)
    inner = slice(BORDERS[pixels][0] - pixels, None if pixels == 1 else -1)
    bits = example.bits[:, inner, inner]
    colours = ListedColormap([WALL, PAPER])
    ax.imshow(bits.any(axis=0), cmap=colours, vmin=0, vmax=1, interpolation="none")
    draw_marks(ax, answer[inner, inner], example.answer[inner, inner] == 1)
    position = 72 * ax.bbox.width / ax.figure.dpi * pixels / bits.shape[-1]
    for channel, marker, colour in MARKS:
        row, column = np.argwhere((bits[channel] == 1) & (bits[2] == 0)).mean(axis=0)
        size = max(POINTS[0] * position, POINTS[1])
        (mark,) = ax.plot(column, row, marker, color=colour, markersize=size)
        mark.set(markeredgecolor="white", markeredgewidth=0.5)
    remove_ticks(ax)
