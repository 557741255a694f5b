"""Picture of a string: its bits above their prefix sums, ones dark."""

from __future__ import annotations

from matplotlib.axes import Axes

from deltaloss.puzzles.pictures import Example, draw_rows


def draw(ax: Axes, example: Example) -> None:
    """Draw the bits above their prefix sums."""
    draw_rows(ax, example, labels=("Bits", "Sums"))
