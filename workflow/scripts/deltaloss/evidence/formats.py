"""Numbers as text: digits and units that suit a reader."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

NONE = "-"
DIGITS = 2  # significant ones of the shortest time of a column

# Hours in each unit, the largest first.
UNITS = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "ms": 1 / 3_600_000}

# Invisible characters as wide as a digit and as a decimal point.
DIGIT_SPACE, POINT_SPACE = "\u2007", "\u2008"

Format = Callable[[float], str]


def count(value: int | None) -> str:
    """Format a number of things: "10,000", or "-" for None."""
    return NONE if value is None else f"{value:,}"


def whole(value: float) -> str:
    """Format a step or an epoch, with one decimal where it is the middle of two."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def percent(examples: int) -> Format:
    """Return the format of a share of so many examples: one or two decimals."""
    decimals = 1 if examples <= 1000 else 2  # one example is 0.1 % or more
    return lambda value: f"{value:.{decimals}f}"


def share(value: float) -> str:
    """Format a percentage: 0 and 100 without decimals, for those only are exact."""
    return f"{value:.0f}" if value in (0, 100) else f"{value:.1f}"


def duration(hours: Sequence[float], *, unit: str | None = None) -> tuple[Format, str]:
    """Choose the unit and the decimals of times that are compared.

    Args:
        hours: the times.
        unit: of `UNITS`; None for the largest one in which no time is below 1.

    Returns:
        A format of hours in that unit, without the unit; the unit.
    """
    shortest = min((value for value in hours if value > 0), default=1.0)
    unit = unit or next((name for name, size in UNITS.items() if shortest >= size), "ms")
    size = UNITS[unit]
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(shortest / size)))
    return lambda value: f"{value / size:.{decimals}f}", unit


def align(texts: Sequence[str]) -> list[str]:
    """Pad numbers on the right with invisible characters, so that their decimal points align."""
    decimals = [len(text.partition(".")[2]) for text in texts]
    longest = max(decimals, default=0)
    return [
        text if text == NONE else text + _padding(missing=longest - own, point=not own)
        for text, own in zip(texts, decimals, strict=True)
    ]


def _padding(*, missing: int, point: bool) -> str:
    return (POINT_SPACE if point and missing else "") + DIGIT_SPACE * missing
