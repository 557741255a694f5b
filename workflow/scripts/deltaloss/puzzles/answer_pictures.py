"""Drawing of a network's answer to an example, shared by all puzzles.

A puzzle may bring ``puzzles/{name}/answer_picture.py`` with

- ``draw(ax, example, answer)``, which draws an answer, bool [*S], over the example;
- ``KEY``, what `RIGHT`, `MISSING` and `WRONG` mean in it, in this order.

Right, missing and wrong pixels differ in colour and in shape: filled, hollow, crossed. Rightness is
drawn in no colour that figure 1 has for a loss.

Shape letters: *S pixels of one example.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from numpy.typing import NDArray

from deltaloss.puzzles.card import puzzle_modules
from deltaloss.puzzles.pictures import INK, OKABE_ITO, PAPER, Example, remove_ticks

RIGHT, MISSING, WRONG = OKABE_ITO["sky_blue"], OKABE_ITO["sky_blue"], OKABE_ITO["orange"]
FEW_PIXELS = 16  # a side: with fewer, shapes are drawn finely

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class AnswerPicture:
    """How the answers to a puzzle are drawn; see above."""

    draw: Callable[[Axes, Example, Bits], None]
    key: tuple[str, ...]


def load_answer_picture(name: str, *, dimensions: int) -> AnswerPicture:
    """Load that of a puzzle or, if it has none, one for any puzzle of as many dimensions."""
    for module in puzzle_modules([name], "answer_picture"):
        own = import_module(f"deltaloss.{module}")
        return AnswerPicture(own.draw, own.KEY)
    if dimensions == 1:
        return AnswerPicture(draw_string, ("bit 1", "bit 0", "wrong bit"))
    return AnswerPicture(draw_image, ("1, right", "1, missing", "1, wrong"))


def draw_string(ax: Axes, example: Example, answer: Bits) -> None:
    """Draw a row of bits, ones dark, with a line under the wrong ones."""
    wrong = answer != example.answer
    rows = np.stack([answer, answer, np.where(wrong, 2, 0)]).astype(np.uint8)
    colours = ListedColormap([PAPER, INK, WRONG])
    ax.imshow(rows, cmap=colours, vmin=0, vmax=2, aspect="auto", interpolation="none")
    remove_ticks(ax)


def draw_image(ax: Axes, example: Example, answer: Bits) -> None:
    """Draw an image in grey, and the ones of the answer over it."""
    grey = 0.5 + example.bits.mean(axis=0) / 2
    ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="none")
    draw_marks(ax, answer, example.answer == 1)
    remove_ticks(ax)


def draw_marks(ax: Axes, answer: Bits, target: Bits) -> None:
    """Draw the ones of an answer and of its target, [H, W], over an image of as many pixels."""
    height, width = answer.shape
    side = 12 if max(answer.shape) <= FEW_PIXELS else 3
    filled, hollow, crossed = _shapes(side)
    image = np.zeros((height * side, width * side, 4))
    for chosen, shape, colour in (
        (answer & target, filled, RIGHT),
        (target & ~answer, hollow, MISSING),
        (answer & ~target, crossed, WRONG),
    ):
        image[np.kron(chosen, shape).astype(np.bool_)] = to_rgba(colour)
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    ax.imshow(image, extent=extent, interpolation="antialiased", interpolation_stage="rgba")


def _shapes(side: int) -> tuple[Bits, Bits, Bits]:
    """Return a filled, a hollow and a crossed square of `side` pixels a side."""
    row, column = np.indices((side, side))
    edge = max(1, side // 6)
    from_border = np.minimum.reduce([row, column, side - 1 - row, side - 1 - column])
    crossed = (np.abs(row - column) < edge) | (np.abs(row + column - side + 1) < edge)
    return np.ones((side, side), dtype=np.bool_), from_border < edge, crossed
