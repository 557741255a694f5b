"""Picture of a maze: one pixel a position, the path coloured, marks at start and end."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from deltaloss.puzzles.mazes.make import BORDERS
from deltaloss.puzzles.pictures import (
    INK,
    OKABE_ITO,
    PAPER,
    Example,
    remove_ticks,
    write_legend,
)

MARKS = (  # channel that is 1, marker, colour
    (1, "o", OKABE_ITO["green"]),
    (0, "s", OKABE_ITO["vermilion"]),
)


def draw(ax: Axes, example: Example) -> None:
    """Draw a maze with one position of its border."""
    pixels = example.facts.get("pixels_per_position", 2)
    inner = slice(BORDERS[pixels][0] - pixels, None if pixels == 1 else -1, pixels)
    bits, path = example.bits[:, inner, inner], example.answer[inner, inner]
    image = np.where(path == 1, 2, bits.any(axis=0))
    colours = ListedColormap([INK, PAPER, OKABE_ITO["sky_blue"]])
    ax.imshow(image, cmap=colours, vmin=0, vmax=2, interpolation="none")
    size = max(5.0, 54 / len(image))
    for channel, marker, colour in MARKS:
        row, column = np.argwhere((bits[channel] == 1) & (bits[2] == 0))[0]
        (mark,) = ax.plot(column, row, marker, color=colour, markersize=size)
        mark.set(markeredgecolor="white", markeredgewidth=0.8)
    write_legend(ax, "circle: start; square: end")
    remove_ticks(ax)
