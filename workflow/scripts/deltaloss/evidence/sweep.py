"""The figure of accuracy and steps against alpha."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deltaloss.evidence.figures import LOOK, TEXT_WIDTH, save_figure
from deltaloss.evidence.statistics import alphas
from deltaloss.puzzles.card import load_card
from deltaloss.puzzles.pictures import OKABE_ITO

HEIGHT = 2.3  # inches
SPREAD = 0.12  # of a unit of the axis, within which the seeds of one alpha lie side by side

_DOTS: dict[str, Any] = {
    "color": OKABE_ITO["vermilion"],
    "marker": "o",
    "markersize": 3,
    "linestyle": "",
}
_MEDIANS: dict[str, Any] = {
    "color": OKABE_ITO["vermilion"],
    "marker": "_",
    "markersize": 12,
    "linestyle": "",
}
_DELTA: dict[str, Any] = {"color": OKABE_ITO["blue"], "linewidth": 1.4}


def draw_sweep(seeds: pd.DataFrame, task: str, paths: Sequence[Path]) -> Figure:
    """Draw every seed of every alpha: its highest accuracy and, if it is solved, the steps to it.

    Values of alpha stand at equal distances. A bar is the median over seeds, of the solved ones for
    steps; the line and the band are median and range of the Delta Loss.

    Args:
        seeds: rows of `statistics/seeds.csv` of one puzzle.
        task: name of the puzzle.
        paths: files to save the figure to, by suffix.
    """
    rows = seeds[(seeds["task"] == task) & (seeds["comparison"] == "maximum")]
    runs = rows["run"].unique()
    swept = alphas(runs)
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(TEXT_WIDTH, HEIGHT), layout="constrained")
        accuracy, steps = figure.subplots(1, 2)
        for ax, column, counted in (
            (accuracy, "accuracy_percent", rows),
            (steps, "step", rows[rows["solved"]]),
        ):
            by_run = {name: counted.loc[counted["run"] == name, column] for name in runs}
            _draw(ax, [by_run[name] for _, name in swept], by_run.get("delta"))
            ax.set_xticks(range(len(swept)), [f"{value:g}" for value, _ in swept])
            ax.set_xlabel("α of the Progressive Loss")
        accuracy.set_ylabel("Max accuracy (%)")
        accuracy.set_ylim(-3, 103)
        steps.set_ylabel("Steps until max")
        steps.set_ylim(bottom=0)
        figure.suptitle(load_card(task).title, fontsize=9)
        handles, labels = accuracy.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        save_figure(figure, paths)
    return figure


def _draw(ax: Axes, by_alpha: Sequence[pd.Series], delta: pd.Series | None) -> None:
    if delta is not None and len(delta):
        ax.axhline(delta.median(), label="Delta: median and range", **_DELTA)
        ax.axhspan(delta.min(), delta.max(), color=_DELTA["color"], alpha=0.15, linewidth=0)
    for place, values in enumerate(by_alpha):
        label = {"seed": "Progressive: a seed", "median": "median"} if place == 0 else {}
        count = len(values)
        offsets = [SPREAD * (2 * n - count + 1) / max(count - 1, 1) for n in range(count)]
        ax.plot([place + one for one in offsets], values, label=label.get("seed"), **_DOTS)
        if count:
            ax.plot([place], [values.median()], label=label.get("median"), **_MEDIANS)
    ax.set_xlim(-0.5, len(by_alpha) - 0.5)
