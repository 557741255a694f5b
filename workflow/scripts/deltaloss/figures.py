"""Figure 1: accuracy on the test puzzles after every reasoning step, a panel a puzzle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deltaloss.drawing import LOOK, OKABE_ITO, TEXT_WIDTH, save_figure
from deltaloss.gathering import RunFiles
from deltaloss.paper import FIGURE_STEPS
from deltaloss.records import load_curve
from deltaloss.runs import Run
from deltaloss.titles import TITLES, describe

PANEL_WIDTH = 2.6  # inches, a panel alone
HEIGHT = 2.1  # inches, without the legend below the axes
LEGEND_LINE = 0.165  # inches

# An order of colours that differ in lightness too; with the dashes the curves are told apart in
# greyscale.
_STYLES: tuple[dict[str, Any], ...] = (
    {"color": OKABE_ITO["blue"], "linestyle": "-"},
    {"color": OKABE_ITO["vermilion"], "linestyle": (0, (4, 1.5))},
    {"color": OKABE_ITO["green"], "linestyle": (0, (1, 1))},
    {"color": OKABE_ITO["purple"], "linestyle": (0, (4, 1.5, 1, 1.5))},
    {"color": OKABE_ITO["sky_blue"], "linestyle": (0, (7, 2))},
    {"color": OKABE_ITO["black"], "linestyle": (0, (1, 2.5))},
)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One puzzle of the figure.

    Attributes:
        title: the puzzle.
        subtitle: what was trained on and tested on.
        train_steps: T, where the mark stands.
        curves: run -> one accuracy curve (`Evaluation.curve`) a seed.
    """

    title: str
    subtitle: str
    train_steps: int
    curves: Mapping[Run, Sequence[pd.DataFrame]]


def make_panel(summary: Mapping[str, Any], files: Sequence[RunFiles]) -> Panel:
    """Read the curves of one puzzle's runs.

    Args:
        summary: `task`, `train_size`, `test_size` and `train_steps` of the puzzle.
        files: the accuracy curves of its plotted runs.
    """
    sizes = [describe(summary["task"], summary[size]) for size in ("train_size", "test_size")]
    return Panel(
        title=TITLES[summary["task"]],
        subtitle=" to ".join(dict.fromkeys(sizes)),
        train_steps=summary["train_steps"],
        curves={one.run: [load_curve(path) for path in one.by_seed.values()] for one in files},
    )


def draw_figure_1(panels: Sequence[Panel], paths: Sequence[Path]) -> None:
    """Draw the panels side by side and save them under every path, by its suffix.

    With several seeds the line is their mean and the band reaches from the lowest to the highest.
    """
    with mpl.rc_context(LOOK):
        width = TEXT_WIDTH if len(panels) > 1 else PANEL_WIDTH
        lines = 1 + max(len(panel.curves) for panel in panels)
        height = HEIGHT + LEGEND_LINE * lines
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw_panel(ax, panel)
        axes[0].set_ylabel("Accuracy (%)")
        save_figure(figure, paths)


def _draw_panel(ax: Axes, panel: Panel) -> None:
    last = 1  # and six runs at most, says the schema
    for (run, curves), style in zip(panel.curves.items(), _STYLES, strict=False):
        shown = [curve[curve["step"] <= FIGURE_STEPS] for curve in curves]
        accuracy = np.stack([curve["accuracy_percent"].to_numpy() for curve in shown])
        steps = shown[0]["step"].to_numpy()
        last = max(last, int(steps[-1]))
        ax.plot(steps, accuracy.mean(axis=0), label=run.label, **style)
        if len(accuracy) > 1:
            low, high = accuracy.min(axis=0), accuracy.max(axis=0)
            ax.fill_between(steps, low, high, color=style["color"], alpha=0.2, linewidth=0)
    mark = f"Training, $T={panel.train_steps}$"
    if panel.train_steps <= last:
        ax.axvline(
            panel.train_steps, color="0.45", linewidth=0.8, linestyle=":", zorder=0, label=mark
        )
    ax.set_title(panel.title, pad=11)
    ax.text(0.5, 1.03, panel.subtitle, transform=ax.transAxes, ha="center", fontsize=6.5)
    ax.set_xlim(1, last)
    ax.set_ylim(0, 104)
    ax.set_yticks(range(0, 101, 20))
    ax.set_xlabel("Reasoning steps")
    # Below the axes, where it hides no curve.
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.26), frameon=False, handlelength=2.6)
