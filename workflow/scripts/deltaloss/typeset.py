"""Tables as files: CSV for machines, Markdown and LaTeX for readers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaloss.files import write_text

PAPER = "(paper)"
HEADING_WIDTH = 13  # characters of a line of a heading in LaTeX


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table in its two forms.

    Attributes:
        caption: what it shows, one paragraph; "α" and "±" are allowed, other mathematics is not.
        numbers: full precision, a column for each number.
        printed: as text, for reading; a column whose name begins with `PAPER` holds the paper's
            values of the column before it.
    """

    caption: str
    numbers: pd.DataFrame
    printed: pd.DataFrame


def save_table(table: Table, paths: Sequence[Path]) -> None:
    """Write the table under every path, in the form its suffix names: .csv, .md or .tex."""
    writers = {".csv": _csv, ".md": _markdown, ".tex": _latex}
    for path in paths:
        write_text(path, writers[path.suffix](table, path.stem))


def _csv(table: Table, name: str) -> str:
    return str(table.numbers.to_csv(index=False))


def _headings(table: Table) -> list[str]:
    """Head the paper's columns shortly, for each stands right of ours."""
    return [PAPER if text.startswith(PAPER) else text for text in table.printed.columns]


def _markdown(table: Table, name: str) -> str:
    body = table.printed.to_markdown(
        index=False,
        headers=_headings(table),
        disable_numparse=True,
        colalign=["left", "left", *["right"] * (table.printed.shape[1] - 2)],
    )
    return f"{_number(name)}: {table.caption}\n\n{body}\n"


def _latex(table: Table, name: str) -> str:
    """Write a table environment, as wide as the text, for booktabs and graphicx."""
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
    for symbol, command in {"α": r"$\alpha$", "±": r"$\pm$"}.items():
        text = text.replace(symbol, command)
    return f"% {_number(name)}; needs the packages booktabs and graphicx\n{text}"


def _stack(heading: str) -> str:
    """Break a long heading into lines, so that the table stays narrow."""
    lines = textwrap.wrap(_escape(heading), HEADING_WIDTH)
    if len(lines) == 1:
        return lines[0]
    return r"\shortstack[r]{{" + r" \\ ".join(lines) + "}}"  # braces doubled: pandas formats it


def _escape(text: str) -> str:
    """Escape what pandas escapes in cells but neither in captions nor in given headings."""
    return text.replace("%", r"\%").replace("_", r"\_")


def _number(name: str) -> str:
    """Turn table_5 into Table 5."""
    return name.replace("_", " ").capitalize()
