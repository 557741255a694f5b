"""Figure 1: accuracy after each reasoning step, one panel per puzzle and one legend for all."""

from __future__ import annotations

import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deltaloss.core.runs import LOSSES, RELEASED, Run, write_number
from deltaloss.evidence.figures import LOOK, TEXT_WIDTH, save_figure
from deltaloss.evidence.paired import wilson_interval
from deltaloss.evidence.paper import FIGURE_STEPS
from deltaloss.evidence.provenance import RunResults
from deltaloss.puzzles.card import load_card
from deltaloss.puzzles.pictures import OKABE_ITO

HEIGHT = 2.4  # inches
PANEL_SIZE = (2.6, 3.0)  # inches, a panel alone
LETTERS = string.ascii_lowercase
SUBTITLE: dict[str, Any] = {
    **{"xy": (0.5, 1), "xycoords": "axes fraction", "ha": "center", "fontsize": 6.5},
    **{"xytext": (0, 5), "textcoords": "offset points"},
}
TRAINING = "Steps in training, $T$"  # in the legend
MARKERS = 5  # on a curve

# The colours differ in lightness too; with dashes and markers the curves differ in greyscale.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": OKABE_ITO["blue"], "linestyle": "-", "marker": "o"},
    {"color": OKABE_ITO["vermilion"], "linestyle": (0, (4, 1.5)), "marker": "s"},
    {"color": OKABE_ITO["green"], "linestyle": (0, (1, 1)), "marker": "^"},
    {"color": OKABE_ITO["purple"], "linestyle": (0, (4, 1.5, 1, 1.5)), "marker": "D"},
    {"color": OKABE_ITO["sky_blue"], "linestyle": (0, (7, 2)), "marker": "v"},
    {"color": OKABE_ITO["black"], "linestyle": (0, (3, 1, 1, 1, 1, 1)), "marker": "P"},
)
_QUIET: dict[str, Any] = {"color": "0.55", "linestyle": "-", "linewidth": 0.8}
_RELEASED: dict[str, Any] = {"linewidth": 0.7, "markerfacecolor": "white"}
GAIN = 1.0  # percentage points, and more than one puzzle, by which a curve rises after those steps
TRAINING_STYLE: dict[str, Any] = {"color": "0.3", "linestyle": ":", "linewidth": 0.8}


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One puzzle of figure 1.

    Attributes:
        title: the puzzle.
        subtitle: its training and test sizes.
        train_steps: T, marked by a dotted line.
        results: accuracy curves (`Answers.curve`) of the runs.
        plotted: names of the runs that are compared; the others are drawn thin and grey.
    """

    title: str
    subtitle: str
    train_steps: int
    results: Sequence[RunResults[pd.DataFrame]]
    plotted: Sequence[str]

    @property
    def compared(self) -> list[Run]:
        """The plotted runs that were trained here."""
        trained = [one.run for one in self.results if not one.released]
        return [run for run in trained if run.name in self.plotted]


def make_panel(summary: Mapping[str, Any], results: Sequence[RunResults[pd.DataFrame]]) -> Panel:
    """Select the curves of one puzzle and name it.

    Args:
        summary: `task` and `TaskConfig.summary` of the puzzle.
        results: accuracy curves of any puzzles.
    """
    card = load_card(summary["task"])
    sizes = [card.describe(summary[size]) for size in ("train_size", "test_size")]
    return Panel(
        title=card.title,
        subtitle=" to ".join(dict.fromkeys(sizes)),
        train_steps=summary["train_steps"],
        results=[one for one in results if one.task == summary["task"]],
        plotted=summary["plotted"],
    )


def draw_figure_1(panels: Sequence[Panel], paths: Sequence[Path]) -> Figure:
    """Draw accuracy against steps and save the figure to every path by its suffix.

    Several seeds: their median, and a thin line for each. One seed: Wilson's 95 % interval as a
    band. Released weights: as one seed, with the look of their run but hollow markers.
    """
    shared = shared_losses(panels)
    entries = dict.fromkeys(
        _entry(run, panel, shared) for panel in panels for run in panel.compared
    )
    with mpl.rc_context(LOOK):
        size = (TEXT_WIDTH * max(1.0, len(panels) / 3), HEIGHT)
        figure = Figure(figsize=size if len(panels) > 1 else PANEL_SIZE, layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for number, (panel, ax) in enumerate(zip(panels, axes, strict=True)):
            _draw_panel(ax, panel, shared, list(entries))
            letter = f"({LETTERS[number]}) " if len(panels) > 1 else ""
            ax.set_title(letter + panel.title, pad=26)
            ax.annotate(_subtitle(panel, shared), **SUBTITLE)
        axes[0].set_ylabel("Accuracy (%)")
        _draw_legend(figure, axes, list(entries))
        save_figure(figure, paths)
    return figure


def shared_losses(panels: Sequence[Panel]) -> set[str]:
    """Losses with one entry in the legend for all their values, which stand above the panels.

    A loss is shared if its value differs between panels, and if no panel compares a loss at two
    values.
    """
    compared = [panel.compared for panel in panels]
    if any(len({run.loss for run in runs}) < len(runs) for runs in compared):
        return set()
    runs = set(chain.from_iterable(compared))
    return {run.loss for run in runs if any(run.loss == other.loss for other in runs - {run})}


def _entry(run: Run, panel: Panel, shared: Collection[str]) -> str:
    """Entry of a panel's run in the legend: "Progressive", or "Progressive, α = 0.5"."""
    common = run.loss in shared and run.name in panel.plotted
    return Run(loss=run.loss).label if common else run.label


def _subtitle(panel: Panel, shared: Collection[str]) -> str:
    """Sizes of the puzzles; below them T and the values that the legend lacks."""
    values = [f"$T$ = {panel.train_steps}"]
    for run in panel.compared:
        parameter = LOSSES[run.loss]
        if run.loss in shared and parameter is not None and run.value is not None:
            values.append(f"{parameter.symbol} = {write_number(run.value)}")
    return f"{panel.subtitle}\n{', '.join(values)}"


def _draw_panel(ax: Axes, panel: Panel, shared: Collection[str], entries: Sequence[str]) -> None:
    last, shown = 1, shown_steps(panel)
    for result in panel.results:
        curves = [curve[curve["step"] <= shown] for curve in result.by_weights.values()]
        last = max(last, int(curves[0]["step"].iloc[-1]))
        entry, style = _entry(result.run, panel, shared), _QUIET
        if result.run.name in panel.plotted:
            style = curve_style(entries.index(entry), len(entries), steps=len(curves[0]))
        if result.released:
            entry, style = f"{entry}, {RELEASED}", style | _RELEASED
        _draw_run(ax, curves, entry, style)
    if panel.train_steps <= last:
        ax.axvline(panel.train_steps, zorder=0, label=TRAINING, **TRAINING_STYLE)
    ax.set_xlim(1, last)
    ax.set_ylim(0, 100)
    ax.set_yticks(range(0, 101, 20))
    ticks = MaxNLocator(3, integer=True).tick_values(1, last)
    ax.set_xticks([1, *(step for step in ticks if last / 10 < step <= last)])
    ax.set_xlabel("Reasoning steps")


def shown_steps(panel: Panel) -> float:
    """Return the last step of a panel: the paper's, or no limit where a plotted run gains later."""
    for result in panel.results:
        if result.run.name in panel.plotted:
            curves = [
                curve.set_index("step")["accuracy_percent"] for curve in result.by_weights.values()
            ]
            median = pd.concat(curves, axis=1).median(axis=1)
            examples = next(iter(result.by_weights.values()))["examples"].iloc[0]
            gain = max(GAIN, 150 / examples)
            if median.max() > median.loc[:FIGURE_STEPS].max() + gain:
                return inf
    return FIGURE_STEPS


def run_colour(place: int) -> str:
    """Return the colour of a plotted run by its place."""
    return str(_STYLES[place % len(_STYLES)]["color"])


def curve_style(place: int, entries: int, *, steps: int) -> dict[str, Any]:
    """Look of a curve; the markers of different entries stand at different steps."""
    every = max(1, steps // MARKERS)
    first = min(every * (place + 1) // (entries + 1), steps - 1)
    return {**_STYLES[place % len(_STYLES)], "markevery": (first, every), "markersize": 3.5}


def _draw_run(
    ax: Axes, curves: Sequence[pd.DataFrame], label: str, style: Mapping[str, Any]
) -> None:
    steps = curves[0]["step"].to_numpy()
    accuracy = np.stack([curve["accuracy_percent"].to_numpy() for curve in curves])
    front = 2 + ("marker" in style) / 10  # quiet runs lie behind the others
    if len(curves) == 1:
        pairs = zip(curves[0]["correct"], curves[0]["examples"], strict=True)
        low, high = np.transpose([wilson_interval(int(k), int(n)) for k, n in pairs]) * 100
        ax.fill_between(steps, low, high, color=style["color"], alpha=0.2, linewidth=0, zorder=1)
    else:
        ax.plot(steps, accuracy.T, color=style["color"], alpha=0.5, linewidth=0.4, zorder=1.5)
    # Not clipped, so that lines at 0 and 100 % have their whole width.
    median = np.median(accuracy, axis=0)
    ax.plot(steps, median, label=label, zorder=front, clip_on=False, **style)


def _draw_legend(figure: Figure, axes: Sequence[Axes], entries: Sequence[str]) -> None:
    """Draw one legend below all panels in as few lines as fit: compared runs, others, training."""
    handles: dict[str, Artist] = {}
    for ax in axes:
        lines, texts = ax.get_legend_handles_labels()
        handles |= dict(zip(map(str, texts), lines, strict=True))
    order = [*entries, *(one for one in handles if one not in (*entries, TRAINING)), TRAINING]
    labels = [label for label in order if label in handles]
    for columns in range(len(labels), 0, -1):
        legend = figure.legend(
            [handles[label] for label in labels],
            labels,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=2.6,
            columnspacing=1.4,
        )
        figure.draw_without_rendering()
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            break
        legend.remove()
