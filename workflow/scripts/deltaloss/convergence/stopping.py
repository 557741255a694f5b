"""When to stop a network whose right answers are not known, and whether its answer then is right.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaloss.convergence.trace import Trace

PATIENCE = 10
"""Steps for which an answer must have stayed the same."""

SMALL_CHANGES = (1e-2, 1e-4)
"""Relative changes of the state at which a network is stopped."""

Steps = NDArray[np.int64]


def most_confident(trace: Trace) -> Steps:
    """Step of the least uncertainty, the first of several, else the last, [N]: all are computed.

    Like the mode "max_conf" of the published code, which adds up confidences in float32, so that
    steps of a sure network often tie.
    """
    unknown = np.isnan(trace.uncertainty)
    first = _numbers(np.where(unknown, np.inf, trace.uncertainty).argmin(0))
    return np.where(unknown.all(0), len(unknown), first)


def unchanged(trace: Trace) -> Steps:
    """First step whose answer is that of the `PATIENCE` steps before; else the last step, [N]."""
    same = ~trace.answer_changed & ~np.isnan(trace.norm)
    total = np.cumsum(same, 0, dtype=np.int64)
    before = np.concatenate([np.zeros_like(total[:PATIENCE]), total[:-PATIENCE]])
    return _first(total - before == PATIENCE)


def small_change(trace: Trace, largest: float) -> Steps:
    """First step that changes the state by at most `largest` of its norm; else the last, [N]."""
    return _first(trace.state_change <= largest)  # NaN is not


RULES: dict[str, Callable[[Trace], Steps]] = {
    "confident": most_confident,
    "unchanged": unchanged,
    **{
        f"change_{largest:.0e}": partial(small_change, largest=largest) for largest in SMALL_CHANGES
    },
}
"""By the name in columns."""


def tabulate_stops(trace: Trace) -> dict[str, NDArray[Any]]:
    """For each rule the step at which it stops, and whether the answer is right there, [N]."""
    columns: dict[str, NDArray[Any]] = {}
    for name, rule in RULES.items():
        step = rule(trace)
        columns[f"{name}_step"] = step
        columns[f"{name}_correct"] = np.take_along_axis(trace.correct, step[None] - 1, 0)[0]
    return columns


def _first(reached: NDArray[np.bool_]) -> Steps:
    """First step that is reached, or the last one, [N]."""
    return np.where(reached.any(0), _numbers(reached.argmax(0)), len(reached))


def _numbers(rows: NDArray[np.intp]) -> Steps:
    """Return the steps, which are counted from 1, of rows."""
    return rows.astype(np.int64) + 1
