"""The look of all figures, and the figure with examples of the data.

Equal numbers give equal files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from deltaloss.core.files import atomic_path
from deltaloss.evidence.paper import data_name
from deltaloss.puzzles.base import Examples
from deltaloss.puzzles.pictures import Example, load_picture

TEXT_WIDTH = 5.5  # inches, the text of an ICLR paper
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
        save_figure(figure, paths)
    return figure


def _draw_example(ax: Axes, examples: Examples, manifest: Mapping[str, Any]) -> None:
    task, split, size = manifest["task"], manifest["split"], manifest.get("size")
    example = Example(bits=examples.inputs[0], answer=examples.targets[0], facts=manifest)
    load_picture(task)(ax, example)
    purpose = {"train": "training", "test": "test"}[split]
    ax.set_title(f"{data_name(task, split, size)}, {purpose}", fontsize=7, pad=3)
    ax.tick_params(length=0)


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Save the figure to every path in the format of its suffix: .pdf, .svg or .png.

    Called inside `matplotlib.rc_context(LOOK)`, for some settings only count when saving.
    """
    for path in paths:
        with atomic_path(path) as temporary:
            metadata = _METADATA[path.suffix.removeprefix(".")]
            figure.savefig(temporary, dpi=300, metadata=metadata)
