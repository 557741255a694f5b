"""How an unrolled network ends: each example's behaviour, from changes and norms of its states.

Shape letters: N examples, T steps.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaloss.convergence.stopping import RULES, tabulate_stops
from deltaloss.convergence.trace import MEASURES, Trace

RESOLUTION = 1e-5
"""Relative change up to which two states are the same. In float32 small networks settle to about
1e-7 and then wander by rounding; their states are never equal to the bit again."""

LARGE = 1e-3
"""Relative change per step of a cycle, at least: a hundred times the resolution."""

GROWTH = 1.05
"""Growth of the norm over the window, at least. Over the last tenth of the steps a norm that grows
as the step does grows by 1.11, one that grows as its root by 1.05."""

TOLERANCE = 1e-3
"""Relative residual of an eigenvector up to which the iteration for the radius has converged."""

WINDOW = 10  # last steps that are judged, at least; else a tenth of all, and never above a half

BEHAVIOURS = ("fixed point", "cycle of two", "growing", "drifting", "not finite")

QUANTILES = {"": 0.5, "_p10": 0.1, "_p90": 0.9}
STEP_COLUMNS = (
    *("step", "examples"),
    *(f"{measure}{ending}" for measure in MEASURES for ending in QUANTILES),
    *("answers_changed_percent", "correct_percent"),
)
EXAMPLE_COLUMNS = (
    *("example", "behaviour", "nonfinite_step", "settled_step", "correct"),
    *(*MEASURES, "radius", "radius_residual"),
    *(f"{rule}_{what}" for rule in RULES for what in ("step", "correct")),
)


def window(steps: int) -> int:
    """Return the number of last steps that are judged; see `WINDOW`."""
    return max(1, min(max(WINDOW, steps // 10), steps // 2))


def classify(trace: Trace) -> NDArray[np.str_]:
    """Behaviour of each example over the last steps, one of `BEHAVIOURS`, [N].

    The first that holds at all steps of the window: not finite; changes at the resolution; large
    changes that two steps undo; a norm that grows in both halves, by `GROWTH` in all.
    """
    last = window(len(trace.norm))
    one, two, norm = (x[-last:] for x in (trace.state_change, trace.two_step_change, trace.norm))
    start, middle, end = norm[0], norm[last // 2], norm[-1]
    conditions = {
        "not finite": trace.nonfinite_step > 0,
        "fixed point": (one <= RESOLUTION).all(0),
        "cycle of two": (one >= LARGE).all(0) & (two <= RESOLUTION).all(0),
        "growing": (start < middle) & (middle < end) & (end / GROWTH >= start),
    }
    return np.select(list(conditions.values()), list(conditions), "drifting")


def settled_steps(trace: Trace) -> NDArray[np.float64]:
    """First step from which an example's answer stays the same, [N].

    NaN where the answer changes within the window, or a state is not finite.
    """
    steps = len(trace.answer_changed)
    numbers = np.arange(1, steps + 1)[:, None]
    last = np.where(trace.answer_changed, numbers, 1).max(0)
    unsettled = trace.answer_changed[-window(steps) :].any(0) | (trace.nonfinite_step > 0)
    return np.where(unsettled, np.nan, last)


def quantiles(values: pd.Series, name: str) -> dict[str, float]:
    """Return the `QUANTILES` of some numbers, missing ones left out, as columns of a name."""
    numbers = values.astype(float)
    return {f"{name}{ending}": float(numbers.quantile(q)) for ending, q in QUANTILES.items()}


def tabulate_steps(trace: Trace) -> pd.DataFrame:
    """One row per step, with `STEP_COLUMNS`: medians and quantiles of the finite examples."""
    finite = ~np.isnan(trace.norm)
    examples = finite.sum(1)
    frame = pd.DataFrame({"step": range(1, len(finite) + 1), "examples": examples})
    for measure in MEASURES:
        numbers = pd.DataFrame(getattr(trace, measure).T).quantile(list(QUANTILES.values()))
        for ending, quantile in QUANTILES.items():
            frame[f"{measure}{ending}"] = numbers.loc[quantile].to_numpy()
    changed = (trace.answer_changed & finite).sum(1)
    frame["answers_changed_percent"] = 100.0 * changed / np.where(examples, examples, np.nan)
    frame["correct_percent"] = 100.0 * trace.correct.mean(1)
    return frame[list(STEP_COLUMNS)]


def tabulate_examples(trace: Trace) -> pd.DataFrame:
    """One row per example, with `EXAMPLE_COLUMNS`: its behaviour and its numbers at the end."""
    frame = pd.DataFrame(
        {
            "example": range(trace.correct.shape[1]),
            "behaviour": classify(trace),
            "nonfinite_step": trace.nonfinite_step,
            "settled_step": pd.Series(settled_steps(trace)).astype("Int64"),
            "correct": trace.correct[-1],
            **{measure: getattr(trace, measure)[-1] for measure in MEASURES},
            "radius": trace.radius,
            "radius_residual": trace.radius_residual,
            **tabulate_stops(trace),
        }
    )
    return frame[list(EXAMPLE_COLUMNS)]
