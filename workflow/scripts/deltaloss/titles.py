"""How puzzles are called in tables and figures. No training looks at it."""

from __future__ import annotations

TITLES = {"chess": "Chess", "mazes": "Mazes", "prefix_sums": "Prefix sums"}

_SIZES = {"chess": "hard puzzles", "mazes": "{0}x{0} mazes", "prefix_sums": "{0}-bit strings"}


def describe(task: str, size: int | None) -> str:
    """Name a puzzle's examples of one size, as under a figure: "512-bit strings"."""
    return _SIZES[task].format(size)
