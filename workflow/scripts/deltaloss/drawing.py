"""What all figures share: their look, their colours, and files that are equal for equal numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from deltaloss.files import atomic_path

TEXT_WIDTH = 5.5  # inches, the text of an ICLR paper

# Okabe and Ito's colours, which colour-blind readers tell apart.
OKABE_ITO = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky_blue": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}

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


def save_figure(figure: Figure, paths: Sequence[Path]) -> None:
    """Save the figure under every path, in the form its suffix names: .pdf, .svg or .png.

    Call it inside `matplotlib.rc_context(LOOK)`, for some settings only count when saving.
    """
    for path in paths:
        kind = path.suffix.removeprefix(".")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=300, metadata=_METADATA[kind])
