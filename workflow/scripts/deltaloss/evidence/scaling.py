"""Growth of the steps with the size of a puzzle: a power law of each seed, and its exponent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deltaloss.evidence.resampling import student_interval

STEPS = "steps_until_max_accuracy"
LEAST_SIZES = 3
"""Sizes that a seed needs for a fit: two points fit any line."""


@dataclass(frozen=True, kw_only=True)
class PowerLaw:
    """Steps as factor * size ** exponent, over seeds.

    Attributes:
        exponent: mean over seeds.
        low: of its 95 % interval; NaN with one seed.
        high: likewise.
        factor: geometric mean over seeds.
        seeds: number of seeds with a fit.
    """

    exponent: float
    low: float
    high: float
    factor: float
    seeds: int

    def steps(self, size: float) -> float:
        """Return the steps at a size."""
        return float(self.factor * size**self.exponent)


def fit_power_law(rows: pd.DataFrame) -> PowerLaw | None:
    """Fit a power law to each seed of a run by least squares on logarithms.

    Points that count are solved, and their highest accuracy comes before the last step: else the
    steps are not those of a solution, or are only a lower bound. The interval of the mean exponent
    is Student's over the seeds, so it needs no assumption on the points of one seed; it takes the
    exponents of seeds as independent draws of one normal distribution.

    Args:
        rows: of `sizes.summarize_sizes`, of one run.

    Returns:
        None if no seed has `LEAST_SIZES` such points.
    """
    counted = rows[rows["solved"] & ~rows["max_at_last_step"]]
    lines = np.array(
        [
            _fit_line(seed)
            for _, seed in counted.groupby("seed")
            if seed["size"].nunique() >= LEAST_SIZES
        ]
    )
    if not len(lines):
        return None
    slopes, intercepts = lines.T
    low, high = student_interval(slopes)
    return PowerLaw(
        exponent=float(slopes.mean()),
        low=low,
        high=high,
        factor=math.exp(intercepts.mean()),
        seeds=len(slopes),
    )


def _fit_line(seed: pd.DataFrame) -> tuple[float, float]:
    """Slope and intercept of log steps against log size."""
    x, y = (np.log(seed[name].to_numpy(dtype=float)) for name in ("size", STEPS))
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum())
    return slope, float(y.mean() - slope * x.mean())
