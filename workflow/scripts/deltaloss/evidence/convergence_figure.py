"""The figure of convergence: the change of the state against the step, both on log axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deltaloss.convergence.behaviour import RESOLUTION
from deltaloss.evidence.figure_1 import TRAINING, TRAINING_STYLE, curve_style
from deltaloss.evidence.figures import LOOK, save_figure
from deltaloss.evidence.provenance import RunResults
from deltaloss.puzzles.card import load_card

SIZE = (3.4, 3.0)  # inches
FLOOR = 1e-8  # smaller changes are drawn here: a log axis has no zero
MARK_DISTANCE = 0.2  # of markers, as a share of the axes

Results = Sequence[RunResults[pd.DataFrame]]


def draw_convergence(results: Results, panel: Mapping[str, Any], paths: Sequence[Path]) -> Figure:
    """Draw the relative change of the state at each step, for the plotted runs of a puzzle.

    A line is the median over seeds of the median over examples; the band reaches from the median
    over seeds of the 10 % quantile to that of the 90 % quantile.

    Args:
        results: rows of steps (`behaviour.STEP_COLUMNS`) of runs of the puzzle.
        panel: `task` and `TaskConfig.summary` of the puzzle.
        paths: files to save the figure to, by suffix.
    """
    plotted = [one for one in results if one.run.name in panel["plotted"]]
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=SIZE, layout="constrained")
        ax = figure.subplots()
        ax.set_xscale("log")
        ax.set_yscale("log")
        for place, result in enumerate(plotted):
            _draw_run(ax, result, place, len(plotted))
        ax.axhline(RESOLUTION, color="0.6", linewidth=0.8, zorder=0, label="Resolution")
        ax.axvline(panel["train_steps"], zorder=0, label=TRAINING, **TRAINING_STYLE)
        ax.set_xlim(1, max([2, *(len(t) for one in plotted for t in one.by_weights.values())]))
        ax.set_title(load_card(panel["task"]).title)
        ax.set_xlabel("Reasoning step")
        ax.set_ylabel("Relative change of the state")
        figure.legend(loc="outside lower center", ncols=2, frameon=False, handlelength=2.6)
        save_figure(figure, paths)
    return figure


def _draw_run(ax: Axes, result: RunResults[pd.DataFrame], place: int, entries: int) -> None:
    tables = list(result.by_weights.values())
    steps = tables[0]["step"].to_numpy()
    median, low, high = (
        np.maximum(np.median([table[f"state_change{end}"] for table in tables], axis=0), FLOOR)
        for end in ("", "_p10", "_p90")
    )
    style = curve_style(place, entries, steps=len(steps))
    start = MARK_DISTANCE * (place + 1) / (entries + 1)
    style["markevery"] = (start, MARK_DISTANCE)  # even distances on the log axis
    ax.fill_between(steps, low, high, color=style["color"], alpha=0.2, linewidth=0, zorder=1)
    ax.plot(steps, median, label=result.run.label, zorder=2, **style)
