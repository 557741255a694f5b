"""Figure 1, and a figure with examples of the data; equal numbers give equal files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deltaloss.core.files import atomic_path
from deltaloss.evidence.paper import FIGURE_STEPS, data_name
from deltaloss.evidence.provenance import RunResults
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.card import load_card
from deltaloss.puzzles.pictures import OKABE_ITO, Example, load_picture

TEXT_WIDTH = 5.5  # inches, the text of an ICLR paper
PANEL_WIDTH = 2.6  # inches, a panel alone
HEIGHT = 2.1  # inches, without the legend below the axes
LEGEND_LINE = 0.165  # inches
STRIP_HEIGHT = 0.62  # inches: two rows of bits and their labels
SQUARE_HEIGHT = 1.66  # inches: a square and its labels
SQUARES = 4  # side by side, which fill the width

LOOK: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "pdf.fonttype": 42,  # fonts that editors and printers can use
    "svg.fonttype": "path",
    "svg.hashsalt": "deltaloss",  # the same file again from the same numbers
}

# No dates, so that equal numbers give equal files.
_METADATA = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {"Software": None}}

# The colours differ in lightness too; with the dashes the curves differ in greyscale.
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
    """One puzzle of figure 1.

    Attributes:
        title: the puzzle.
        subtitle: its training and test sizes.
        train_steps: T, marked by a dotted line.
        results: accuracy curves (`Answers.curve`) of the runs.
    """

    title: str
    subtitle: str
    train_steps: int
    results: Sequence[RunResults[pd.DataFrame]]


def make_panel(summary: Mapping[str, Any], results: Sequence[RunResults[pd.DataFrame]]) -> Panel:
    """Select the curves of one puzzle and name it.

    Args:
        summary: `task`, `train_size`, `test_size` and `train_steps` of the puzzle.
        results: accuracy curves of any puzzles.
    """
    card = load_card(summary["task"])
    sizes = [card.describe(summary[size]) for size in ("train_size", "test_size")]
    return Panel(
        title=card.title,
        subtitle=" to ".join(dict.fromkeys(sizes)),
        train_steps=summary["train_steps"],
        results=[one for one in results if one.task == summary["task"]],
    )


def draw_figure_1(panels: Sequence[Panel], paths: Sequence[Path]) -> Figure:
    """Draw accuracy against steps, one panel per puzzle, and save it to every path by its suffix.

    With several seeds the line is their mean and the band reaches from the lowest to the highest.
    """
    with mpl.rc_context(LOOK):
        width = TEXT_WIDTH * max(1.0, len(panels) / 3) if len(panels) > 1 else PANEL_WIDTH
        lines = 1 + max(len(panel.results) for panel in panels)
        figure = Figure(figsize=(width, HEIGHT + LEGEND_LINE * lines), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for panel, ax in zip(panels, axes, strict=True):
            _draw_panel(ax, panel)
        axes[0].set_ylabel("Accuracy (%)")
        _save(figure, paths)
    return figure


def _draw_panel(ax: Axes, panel: Panel) -> None:
    last = 1  # and six runs at most, says the schema
    for result, style in zip(panel.results, _STYLES, strict=False):
        shown = [curve[curve["step"] <= FIGURE_STEPS] for curve in result.by_weights.values()]
        accuracy = np.stack([curve["accuracy_percent"].to_numpy() for curve in shown])
        steps = shown[0]["step"].to_numpy()
        last = max(last, int(steps[-1]))
        ax.plot(steps, accuracy.mean(axis=0), label=result.run.label, **style)
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


def draw_data(
    examples: Sequence[Examples], manifests: Sequence[Mapping[str, Any]], paths: Sequence[Path]
) -> Figure:
    """Draw the first example of each file: strings below each other, squares side by side.

    Args:
        examples: inputs [N, C, *S] and targets [N, *S] of each file.
        manifests: of the files; `task`, `split`, `size` and the settings of a puzzle are read.
        paths: files to save the figure to, by suffix.
    """
    pairs = list(zip(examples, manifests, strict=True))
    strips = [pair for pair in pairs if pair[0].targets.ndim == 2]
    squares = [pair for pair in pairs if pair[0].targets.ndim == 3]
    blocks = [(strips, 1, STRIP_HEIGHT), (squares, min(SQUARES, len(squares)), SQUARE_HEIGHT)]
    blocks = [block for block in blocks if block[0]]
    heights = [height * math.ceil(len(shown) / columns) for shown, columns, height in blocks]
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(TEXT_WIDTH, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(blocks), 1, height_ratios=heights, squeeze=False)[:, 0]
        for part, (shown, columns, _) in zip(parts, blocks, strict=True):
            rows = math.ceil(len(shown) / columns)
            axes = part.subplots(rows, columns, squeeze=False).ravel()
            for ax, pair in zip(axes, shown, strict=False):
                _draw_example(ax, *pair)
            for ax in axes[len(shown) :]:
                ax.set_axis_off()
        _save(figure, paths)
    return figure


def _draw_example(ax: Axes, examples: Examples, manifest: Mapping[str, Any]) -> None:
    task, split, size = manifest["task"], manifest["split"], manifest.get("size")
    example = Example(bits=examples.inputs[0], answer=examples.targets[0], facts=manifest)
    load_picture(task)(ax, example)
    purpose = {"train": "training", "test": "test"}[split]
    ax.set_title(f"{data_name(task, split, size)}, {purpose}", fontsize=7, pad=3)
    ax.tick_params(length=0)


def _save(figure: Figure, paths: Sequence[Path]) -> None:
    """Save the figure to every path in the format of its suffix: .pdf, .svg or .png.

    Called inside `matplotlib.rc_context(LOOK)`, for some settings only count when saving.
    """
    for path in paths:
        with atomic_path(path) as temporary:
            metadata = _METADATA[path.suffix.removeprefix(".")]
            figure.savefig(temporary, dpi=300, metadata=metadata)
