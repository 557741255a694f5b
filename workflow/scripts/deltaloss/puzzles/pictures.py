"""Drawing shared by the pictures of all puzzles.

Shape letters: C channels, *S pixels of one example.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

from deltaloss.puzzles.card import puzzle_modules

# Okabe and Ito's colours, which colour-blind readers tell apart.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky_blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
INK, PAPER, LINE = "0.15", "white", "0.6"

SEPARATED = 64  # bits: with more, lines between them would hide them


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example.

    Attributes:
        bits: the input, uint8 [C, *S].
        answer: the target, uint8 [*S].
        facts: the manifest of its file, with the settings of the puzzle.
    """

    bits: NDArray[np.uint8]
    answer: NDArray[np.uint8]
    facts: Mapping[str, Any] = field(default_factory=dict)


def load_picture(name: str) -> Callable[[Axes, Example], None]:
    """Load `draw` of ``puzzles/{name}/picture.py``, or `draw_plain` where there is no such file."""
    for module in puzzle_modules([name], "picture"):
        draw: Callable[[Axes, Example], None] = import_module(f"deltaloss.{module}").draw
        return draw
    return draw_plain


def draw_plain(ax: Axes, example: Example) -> None:
    """Draw any puzzle: a string as rows, an image in grey, its answer in colour over it."""
    if example.answer.ndim == 1:
        draw_rows(ax, example, labels=("Input", "Answer"))
        return
    grey = example.bits.mean(axis=0)
    ax.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="none")
    marked = np.ma.masked_equal(example.answer, 0)
    colour = ListedColormap([OKABE_ITO["sky_blue"]])
    ax.imshow(marked, cmap=colour, alpha=0.7, interpolation="none")
    remove_ticks(ax)


def draw_rows(ax: Axes, example: Example, *, labels: tuple[str, str]) -> None:
    """Draw the channels of a string, and its answer below them, as rows of dark bits."""
    rows = np.vstack([example.bits, 2 * example.answer])
    colours = ListedColormap([PAPER, INK, OKABE_ITO["blue"]])
    ax.imshow(rows, cmap=colours, vmin=0, vmax=2, aspect="auto", interpolation="none")
    last = len(rows) - 1
    ax.axhline(last - 0.5, color=LINE, linewidth=0.4)
    if rows.shape[1] <= SEPARATED:
        ax.vlines(np.arange(1, rows.shape[1]) - 0.5, -0.5, last + 0.5, color=LINE, linewidth=0.4)
    remove_ticks(ax)
    ax.set_yticks([(last - 1) / 2, last], labels, fontsize=6.5)


def remove_ticks(ax: Axes) -> None:
    """Remove the ticks and show the whole frame."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(True)


def write_legend(ax: Axes, text: str) -> None:
    """Write one small line below a picture."""
    ax.set_xlabel(text, fontsize=6, labelpad=3)
