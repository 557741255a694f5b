"""Means, ratios and their intervals, from measurements of each draw of n and k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from statistics import mean, stdev

import pandas as pd

DRAWS = 8  # of n and k, on which the cost of the Progressive Loss depends
T_QUANTILE = 2.3646  # of Student's t with DRAWS - 1 degrees of freedom, two-sided 95 %

Key = tuple[str, str]  # run, form
Values = Mapping[str, Mapping[Key, Sequence[float]]]


def tabulate_ratios(values: Values, *, task: str, batch_size: int, steps: int) -> pd.DataFrame:
    """Make one row per run, form and measure; docs/results.md explains the columns.

    Args:
        values: measure -> run and form -> its values, one per draw or a single one.
        task: name of the puzzle.
        batch_size: examples of the measured batch.
        steps: T, reasoning steps.
    """
    rows = []
    for measure, by_key in values.items():
        for (run, form), own in by_key.items():
            bases = {
                "to_delta": ("delta", form),
                "to_published": (run, "published"),
                "to_delta_ours": ("delta", "ours"),
            }
            row: dict[str, object] = {
                "task": task,
                "run": run,
                "form": form,
                "measure": measure,
                "batch_size": batch_size,
                "train_steps": steps,
                **_summary("value", own),
            }
            for name, base in bases.items():
                others = by_key.get(base, [nan] * len(own))  # not every loss has every form
                row |= _summary(name, [a / b for a, b in zip(own, others, strict=True)])
            rows.append(row)
    return pd.DataFrame(rows)


def _summary(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """Mean, and the 95 % interval of the mean over draws; none for a single value."""
    middle = mean(values)
    if isnan(middle) or len(values) == 1:
        return {name: middle, f"{name}_low": None, f"{name}_high": None}
    assert len(values) == DRAWS, "T_QUANTILE is for DRAWS values"
    reach = T_QUANTILE * stdev(values) / DRAWS**0.5
    return {name: middle, f"{name}_low": middle - reach, f"{name}_high": middle + reach}
