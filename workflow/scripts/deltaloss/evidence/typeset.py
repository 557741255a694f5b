"""Tables as files: CSV for machines, Markdown and LaTeX for readers."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaloss.core.files import csv_text, write_text

PAPER = "(paper)"
HEADING_WIDTH = 13  # characters of a line of a heading in LaTeX
SIGNIFICANT = 3  # digits of an hour

# Symbols of losses' parameters and of the captions.
_SYMBOLS = {
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "λ": r"$\lambda$",
    "τ": r"$\tau$",
    "±": r"$\pm$",
}

# Characters with a meaning in Markdown or LaTeX that a quoted text may hold.
_MARKUP = str.maketrans(dict.fromkeys("{}&#$^~\\\n", " "))


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table in its two forms.

    Attributes:
        caption: one paragraph; "α" and "±" are allowed, other mathematics is not.
        numbers: full precision, one column per number.
        printed: text for reading; a column whose name begins with `PAPER` holds the paper's values
            of the column before it.
    """

    caption: str
    numbers: pd.DataFrame
    printed: pd.DataFrame


def save_table(table: Table, paths: Sequence[Path]) -> None:
    """Write the table to every path, in the format of its suffix, a key of `WRITERS`."""
    for path in paths:
        write_text(path, WRITERS[path.suffix](table, path.stem))


def _csv(table: Table, name: str) -> str:
    return csv_text(table.numbers)


def _markdown(table: Table, name: str) -> str:
    body = table.printed.to_markdown(
        index=False,
        headers=_headings(table),
        disable_numparse=True,
        colalign=["left", "left", *["right"] * (table.printed.shape[1] - 2)],
    )
    return f"{_title(name)}: {table.caption}\n\n{body}\n"


def _latex(table: Table, name: str) -> str:
    """Write a table environment as wide as the text, for booktabs and graphicx."""
    text = table.printed.to_latex(
        index=False,
        header=[_stack(heading) for heading in _headings(table)],
        escape=True,
        column_format="ll" + "r" * (table.printed.shape[1] - 2),
        caption=_escape(table.caption),
        label=f"tab:{name}",
        position="htbp",
    )
    begin, end = r"\begin{tabular}", r"\end{tabular}"
    text = text.replace(begin, r"\resizebox{\linewidth}{!}{" + begin).replace(end, end + "}")
    for symbol, command in _SYMBOLS.items():
        text = text.replace(symbol, command)
    return f"% {_title(name)}; needs the packages booktabs and graphicx\n{text}"


WRITERS = {".csv": _csv, ".md": _markdown, ".tex": _latex}


def _headings(table: Table) -> list[str]:
    """Shorten the headings of the paper's columns, each of which stands right of ours."""
    return [PAPER if text.startswith(PAPER) else text for text in table.printed.columns]


def _stack(heading: str) -> str:
    """Break a long heading into lines, so that the table stays narrow."""
    lines = textwrap.wrap(_escape(heading), HEADING_WIDTH)
    if len(lines) == 1:
        return lines[0]
    return r"\shortstack[r]{{" + r" \\ ".join(lines) + "}}"  # braces doubled: pandas formats it


def _escape(text: str) -> str:
    """Escape what pandas escapes in cells but neither in captions nor in given headings."""
    return text.replace("%", r"\%").replace("_", r"\_")


def _title(name: str) -> str:
    """Title of a table from its file name: table_5 becomes Table 5."""
    return name.replace("_", " ").capitalize()


def plain(text: str) -> str:
    """Replace markup in a quoted text, so that it may stand in a caption."""
    return text.translate(_MARKUP)


def count(value: int | None) -> str:
    """Format a number of things: "10,000", or "-" for None."""
    return "-" if value is None else f"{value:,}"


def whole(value: float) -> str:
    """Format a step or an epoch, with one decimal where it is a mean."""
    return f"{value:.0f}" if value == round(value) else f"{value:.1f}"


def percent(value: float) -> str:
    """Format a percentage with the paper's two decimals."""
    return f"{value:.2f}"


def hours(value: float) -> str:
    """Format `SIGNIFICANT` digits, never as a power of ten."""
    if value <= 0:
        return "0"
    return f"{value:.{max(0, SIGNIFICANT - 1 - math.floor(math.log10(value)))}f}"
