"""A figure with examples of each puzzle, as packed: bits and sums, a maze, a board and a move.

Shape letters: C channels, *S pixels of one example; M positions a side of a maze.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from deltaloss.datasets.store import Examples
from deltaloss.drawing import LOOK, OKABE_ITO, TEXT_WIDTH, save_figure
from deltaloss.titles import TITLES

STRIP_HEIGHT = 0.62  # inches: two rows of bits and what is written about them
SQUARE_HEIGHT = 1.66  # inches: a square, four of which fill the width, and the text about it
SEPARATED = 64  # bits: with more, lines between them would hide them
MEN = "\u265a\u265b\u265d\u265e\u265c\u265f"  # king, queen, bishop, knight, rook, pawn
_BORDER, _SCALE = 3, 2  # of a maze's image

_INK, _PAPER = "0.15", "white"
_PATH = OKABE_ITO["sky_blue"]
_START, _END = OKABE_ITO["green"], OKABE_ITO["vermilion"]
_MOVE, _ARROW = OKABE_ITO["orange"], OKABE_ITO["blue"]

Bits = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example and what it is.

    Attributes:
        task: the puzzle.
        split: train or test.
        size: as in the config; None where there is one size only.
        orientation: of chess, see `chess_boards`.
        bits: the input, uint8 [C, *S].
        answer: the target, uint8 [*S].
    """

    task: str
    split: str
    size: int | None
    orientation: str | None
    bits: Bits
    answer: Bits

    @property
    def title(self) -> str:
        """The puzzle and its size, and what it is for."""
        purpose = {"train": "training", "test": "test"}[self.split]
        return f"{TITLES[self.task]}, {_SIZES[self.task].format(size=self.size)}{purpose}"


_SIZES = {"chess": "", "mazes": "{size}x{size}, ", "prefix_sums": "{size} bits, "}


def take_example(examples: Examples, card: Mapping[str, Any], number: int = 0) -> Example:
    """Take one example, the first unless told otherwise, of a file with its card."""
    return Example(
        task=card["task"],
        split=card["split"],
        size=card.get("size"),
        orientation=card.get("orientation"),
        bits=examples.inputs[number],
        answer=examples.targets[number],
    )


def draw_data(examples: Sequence[Example], paths: Sequence[Path]) -> None:
    """Draw strings below each other, squares beside each other; save them under every path."""
    strips = [one for one in examples if one.bits.ndim == 2]
    squares = [one for one in examples if one.bits.ndim == 3]
    heights = [STRIP_HEIGHT * len(strips), SQUARE_HEIGHT * (len(squares) > 0)]
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(TEXT_WIDTH, sum(heights)), layout="constrained")
        parts = _split(figure, [height for height in heights if height])
        if strips:
            _draw_row(parts[0], strips, rows=len(strips))
        if squares:
            _draw_row(parts[-1], squares, rows=1)
        save_figure(figure, paths)


def _split(figure: Figure, heights: Sequence[float]) -> list[SubFigure]:
    return list(figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0])


def _draw_row(part: SubFigure, examples: Sequence[Example], *, rows: int) -> None:
    axes = part.subplots(rows, len(examples) // rows, squeeze=False).ravel()
    for ax, example in zip(axes, examples, strict=True):
        _DRAW[example.task](ax, example)
        ax.set_title(example.title, fontsize=7, pad=3)
        ax.tick_params(length=0)


def _draw_string(ax: Axes, example: Example) -> None:
    """Draw the bits above their prefix sums, each one dark."""
    rows = np.stack([example.bits[0], 2 * example.answer])
    colours = ListedColormap([_PAPER, _INK, OKABE_ITO["blue"]])
    ax.imshow(rows, cmap=colours, vmin=0, vmax=2, aspect="auto", interpolation="none")
    ax.axhline(0.5, color="0.6", linewidth=0.4)
    if rows.shape[1] <= SEPARATED:
        ax.vlines(np.arange(1, rows.shape[1]) - 0.5, -0.5, 1.5, color="0.6", linewidth=0.4)
    ax.set_yticks([0, 1], ["Bits", "Sums"], fontsize=6.5)
    ax.set_xticks([])
    _frame(ax)


def _draw_maze(ax: Axes, example: Example) -> None:
    """Draw a position as one pixel, with its border of walls; start and end are marks."""
    inner = slice(_BORDER - _SCALE, -1, _SCALE)
    bits, path = example.bits[:, inner, inner], example.answer[inner, inner]
    image = np.where(path == 1, 2, bits.any(axis=0))
    colours = ListedColormap([_INK, _PAPER, _PATH])
    ax.imshow(image, cmap=colours, vmin=0, vmax=2, interpolation="none")
    width = 90 / len(image)
    for channel, marker, colour in ((1, "o", _START), (0, "s", _END)):
        row, column = np.argwhere((bits[channel] == 1) & (bits[2] == 0))[0]
        ax.plot(
            column,
            row,
            marker,
            color=colour,
            markersize=max(5.0, 0.6 * width),
            markeredgecolor="white",
            markeredgewidth=0.8,
        )
    _label(ax, "circle: start; square: end")
    _bare(ax)


def _draw_board(ax: Axes, example: Example) -> None:
    """Draw the board with the mover, in white, at the bottom, as the orientation says it lies."""
    planes = example.bits[:, ::-1] if example.orientation == "released" else example.bits
    squares = (np.indices((8, 8)).sum(axis=0) % 2).astype(np.uint8)
    ax.imshow(squares, cmap=ListedColormap(["0.97", "0.80"]), vmin=0, vmax=1, interpolation="none")
    for row, column in np.argwhere(example.answer):
        ax.fill(
            column + np.array([-0.5, 0.5, 0.5, -0.5]),
            row + np.array([-0.5, -0.5, 0.5, 0.5]),
            color=_MOVE,
            linewidth=0,
        )
    for plane, row, column in np.argwhere(planes):
        colour = "white" if plane < len(MEN) else "black"
        ax.text(
            column,
            row + 0.04,
            MEN[plane % len(MEN)],
            color=colour,
            fontsize=9.5,
            ha="center",
            va="center_baseline",
            path_effects=[withStroke(linewidth=0.9, foreground="black")],
        )
    _label(ax, "white, at the bottom, moves")
    _draw_arrow(ax, planes[: len(MEN)].max(axis=0), example.answer)
    _bare(ax)


def _draw_arrow(ax: Axes, own: Bits, answer: Bits) -> None:
    """Point from the marked square with a man of the mover to the other, if there is one each."""
    origins, others = np.argwhere(answer & own), np.argwhere(answer & ~own)
    if len(origins) == len(others) == 1:
        ax.annotate(
            "",
            xy=tuple(others[0][::-1].tolist()),
            xytext=tuple(origins[0][::-1].tolist()),
            zorder=2,  # below the men
            arrowprops={
                "arrowstyle": "->",
                "color": _ARROW,
                "linewidth": 1.5,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def _label(ax: Axes, text: str) -> None:
    ax.set_xlabel(text, fontsize=6, labelpad=3)


def _frame(ax: Axes) -> None:
    for spine in ax.spines.values():
        spine.set_visible(True)


def _bare(ax: Axes) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    _frame(ax)


_DRAW: dict[str, Callable[[Axes, Example], None]] = {
    "chess": _draw_board,
    "mazes": _draw_maze,
    "prefix_sums": _draw_string,
}
