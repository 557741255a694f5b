"""Picture of a chess position: the board with the mover, in white, at the bottom."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from deltaloss.puzzles.pictures import OKABE_ITO, Example, remove_ticks, write_legend

MEN = "\u265a\u265b\u265d\u265e\u265c\u265f"  # king, queen, bishop, knight, rook, pawn


def draw(ax: Axes, example: Example) -> None:
    """Draw board, move and men; `facts["orientation"]` says which way up the board lies."""
    released = example.facts.get("orientation") == "released"
    planes = example.bits[:, ::-1] if released else example.bits
    squares = np.indices((8, 8)).sum(axis=0) % 2
    ax.imshow(squares, cmap=ListedColormap(["0.97", "0.80"]), vmin=0, vmax=1, interpolation="none")
    for row, column in np.argwhere(example.answer):
        corner = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, color=OKABE_ITO["orange"], linewidth=0))
    for plane, row, column in np.argwhere(planes):
        ax.text(
            column,
            row + 0.04,
            MEN[plane % len(MEN)],
            color="white" if plane < len(MEN) else "black",
            fontsize=9.5,
            ha="center",
            va="center_baseline",
            path_effects=[withStroke(linewidth=0.9, foreground="black")],
        )
    _draw_arrow(ax, planes[: len(MEN)].max(axis=0), example.answer)
    write_legend(ax, "white, at the bottom, moves")
    remove_ticks(ax)


def _draw_arrow(ax: Axes, own: NDArray[np.uint8], move: NDArray[np.uint8]) -> None:
    """Point from the marked square with a man of the mover to the other, if there is one each."""
    origins, others = np.argwhere(move & own), np.argwhere(move & ~own)
    if len(origins) != 1 or len(others) != 1:
        return
    ax.annotate(
        "",
        xy=tuple(others[0][::-1].tolist()),
        xytext=tuple(origins[0][::-1].tolist()),
        zorder=2,  # below the men
        arrowprops={
            "arrowstyle": "->",
            "color": OKABE_ITO["blue"],
            "linewidth": 1.5,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
