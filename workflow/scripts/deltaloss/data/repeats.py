"""Examples that are there twice, and how many of them chance explains.

An example is known by its print, a number that is equal for like examples (`puzzles.checks`).

Shape letters: N examples, K others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from deltaloss.puzzles.checks import Prints

_LIKENESS = {"exact": "", "up_to_symmetry": ", turned or mirrored where need be"}

Counts = dict[str, dict[str, Any]]
"""By kind of likeness: how many were `found`, and how many there are `by_chance`."""


def count_repeats(prints: Prints, possible: float) -> dict[str, Any]:
    """Count the examples [N] that are like an earlier one, of `possible` equally likely ones."""
    by_chance = len(prints) - _distinct(len(prints), possible)
    return _counted(len(prints) - len(np.unique(prints)), by_chance)


def count_common(prints: Prints, others: Prints, possible: float) -> dict[str, Any]:
    """Count the examples [N] that are like one of others [K]."""
    by_chance = len(prints) * _distinct(len(others), possible) / possible
    return _counted(int(np.isin(prints, others).sum()), by_chance)


def surprises(counts: Mapping[str, Mapping[str, Any]], text: str) -> list[str]:
    """Lines on the counts that chance reaches less often than about once in a billion."""
    return [
        f"{found} {text}{_LIKENESS[name]}" + (f" (by chance {chance:.3g})" if chance else "")
        for name, one in counts.items()
        for found, chance in [(one["found"], one["by_chance"])]
        if found > chance + 6 * math.sqrt(chance)
    ]


def _distinct(count: int, possible: float) -> float:
    """Mean number of different ones among `count` drawn from `possible` equally likely ones."""
    if math.isinf(possible):
        return count
    return -possible * math.expm1(count * math.log1p(-1 / possible)) if possible > 1 else 1.0


def _counted(found: int, by_chance: float) -> dict[str, Any]:
    return {"found": found, "by_chance": float(f"{by_chance:.3g}") if by_chance > 1e-6 else 0.0}
