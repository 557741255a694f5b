"""Picture of an answer to a chess position: its two squares, on the board that the mover sees."""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from deltaloss.puzzles.answer_pictures import WRONG, Bits, draw_marks
from deltaloss.puzzles.chess.picture import MEN
from deltaloss.puzzles.pictures import INK, Example, remove_ticks

KEY = ("square of the move", "missing", "another square")
FONT = FontProperties(family="DejaVu Sans")


def draw(ax: Axes, example: Example, answer: Bits) -> None:
    """Draw board, men and the answer; men lie as in `chess.picture`, as shapes that scale."""
    released = example.facts.get("orientation") == "released"
    planes = example.bits[:, ::-1] if released else example.bits
    squares = np.indices((8, 8)).sum(axis=0) % 2
    ax.imshow(squares, cmap=ListedColormap(["0.97", "0.80"]), vmin=0, vmax=1, interpolation="none")
    target = example.answer == 1
    draw_marks(ax, answer, target)
    line = 30 * ax.bbox.width / ax.figure.dpi / 72  # as wide on a large board as on a small one
    for plane, row, column in np.argwhere(planes):
        name = MEN[plane % len(MEN)]
        path = Affine2D().translate(column, row).transform_path(_shape(name))
        colour = "white" if plane < len(MEN) else "black"
        style = {"facecolor": colour, "edgecolor": "black", "linewidth": line, "label": name}
        ax.add_patch(PathPatch(path, **style))
    own = planes[: len(MEN)].any(axis=0)
    origins, others = np.argwhere(answer & own), np.argwhere(answer & ~own)
    if len(origins) == len(others) == 1:
        right = np.array_equal(answer, target)
        look = {"color": INK if right else WRONG, "linestyle": "-" if right else (0, (2, 1))}
        ends = {"xy": others[0][::-1], "xytext": origins[0][::-1]}
        shape = {"arrowstyle": "->", "linewidth": 4 * line, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", **ends, zorder=0.5, arrowprops={**shape, **look})
    remove_ticks(ax)


@cache
def _shape(man: str) -> Path:
    """Return the outline of a man, as high as most of a square, around its middle."""
    outline = TextPath((0, 0), man, size=0.9, prop=FONT)
    box = outline.get_extents()
    middle = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2)
    return middle.scale(1, -1).transform_path(outline)
