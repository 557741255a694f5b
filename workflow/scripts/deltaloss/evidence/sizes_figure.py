"""The figure of accuracy and steps against the size of the puzzles."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from deltaloss.core.runs import parse_run
from deltaloss.evidence.figure_1 import TRAINING_STYLE, curve_style
from deltaloss.evidence.figures import LOOK, TEXT_WIDTH, save_figure
from deltaloss.evidence.scaling import STEPS, fit_power_law
from deltaloss.evidence.sizes import AT_LAST, MAXIMUM, describe_exponent
from deltaloss.puzzles.card import load_card

HEIGHT = 2.6  # inches
TICKS = 6  # sizes that are named, at most
MARGIN = 1.15  # factor beyond the smallest and the largest size

_SEEDS: dict[str, Any] = {"linestyle": "", "markersize": 2.5, "alpha": 0.5}


def draw_sizes(summary: pd.DataFrame, panel: Mapping[str, Any], paths: Sequence[Path]) -> Figure:
    """Draw the highest accuracy and, of solved seeds, the steps to it against the size.

    Accuracy: a line through the medians over seeds, and a marker for each seed; with one seed
    Wilson's 95 % interval as a band. Steps, on logarithmic axes: a filled marker for each seed that
    counts in the fit, a hollow one where the highest accuracy is at the last step, and the power
    law of `fit_power_law`, with its exponent b in the legend.

    Args:
        summary: rows of `sizes.summarize_sizes` of one puzzle.
        panel: `task` and `TaskConfig.summary` of the puzzle; plotted runs come first.
        paths: files to save the figure to, by suffix.
    """
    names = list(summary["run"].unique())
    names.sort(key=lambda name: name not in panel["plotted"])
    sizes = sorted(summary["size"].unique().tolist())
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(TEXT_WIDTH, HEIGHT), layout="constrained")
        accuracy, steps = figure.subplots(1, 2)
        for place, name in enumerate(names):
            rows = summary[summary["run"] == name]
            style = {**curve_style(place, len(names), steps=1), "markevery": None}
            _draw_accuracy(accuracy, rows, style)
            _draw_steps(steps, rows, parse_run(name).label, style)
        for ax in (accuracy, steps):
            _finish(ax, sizes, panel["train_size"])
        accuracy.set_ylabel("Max accuracy (%)")
        accuracy.set_ylim(-3, 103)
        steps.set_ylabel("Steps until max")
        steps.set_yscale("log")
        if not summary["solved"].any():  # a log axis has no limits of its own without numbers
            steps.set_ylim(1, 1 + summary["steps"].max())
        steps.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        steps.yaxis.set_major_formatter("{x:g}")
        steps.yaxis.set_minor_locator(NullLocator())
        figure.suptitle(load_card(panel["task"]).title, fontsize=9)
        _draw_legend(figure, steps)
        save_figure(figure, paths)
    return figure


def _draw_accuracy(ax: Axes, rows: pd.DataFrame, style: Mapping[str, Any]) -> None:
    by_size = rows.groupby("size")
    median = by_size[MAXIMUM].median()
    if rows["seed"].nunique() == 1:
        low, high = (by_size[f"{end}_percent"].first() for end in ("low", "high"))
        ax.fill_between(median.index, low, high, color=style["color"], alpha=0.2, linewidth=0)
    else:
        ax.plot(rows["size"], rows[MAXIMUM], clip_on=False, **{**style, **_SEEDS})
    ax.plot(median.index, median, clip_on=False, **style)


def _draw_steps(ax: Axes, rows: pd.DataFrame, label: str, style: Mapping[str, Any]) -> None:
    solved, law = rows[rows["solved"]], fit_power_law(rows)
    dots = {**style, **_SEEDS, "markersize": style["markersize"]}
    for censored, hollow in ((False, {}), (True, {"markerfacecolor": "none"})):
        shown = solved[solved[AT_LAST] == censored]
        ax.plot(shown["size"], shown[STEPS], **{**dots, **hollow})
    text = f"{label}: $b$ = {describe_exponent(law)}" if law else label
    ax.plot([], [], label=text, **style)
    if law:
        fitted = solved.loc[~solved[AT_LAST], "size"]
        ends = [fitted.min(), fitted.max()]
        ax.plot(ends, [law.steps(size) for size in ends], **{**style, "marker": ""})


def _finish(ax: Axes, sizes: Sequence[int], train_size: int | None) -> None:
    """Name the sizes on a logarithmic axis, and mark that of the training."""
    ax.set_xscale("log")
    every = math.ceil(len(sizes) / TICKS)
    ax.set_xticks(sizes[::every], [f"{size:g}" for size in sizes[::every]])
    ax.minorticks_off()
    ends = sizes
    if train_size is not None:
        ax.axvline(train_size, zorder=0, label="Size in training", **TRAINING_STYLE)
        ends = [train_size, *sizes]
    ax.set_xlim(min(ends) / MARGIN, max(ends) * MARGIN)
    ax.set_xlabel("Size")


def _draw_legend(figure: Figure, ax: Axes) -> None:
    """Draw the legend below the panels, in two columns where they fit."""
    for columns in (2, 1):
        legend = figure.legend(
            *ax.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=2.4,
            columnspacing=1.2,
            fontsize=7.5,
        )
        figure.draw_without_rendering()
        if legend.get_window_extent().width <= figure.bbox.width:
            break
        if columns > 1:
            legend.remove()
