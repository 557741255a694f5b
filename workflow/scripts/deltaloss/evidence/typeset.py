"""Tables as files: CSV for machines; Markdown, LaTeX and HTML for readers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd
from pandas.io.formats.style import Styler

from deltaloss.core.files import csv_text, write_text
from deltaloss.evidence.formats import DIGIT_SPACE, NONE, POINT_SPACE

OURS, PAPER = "ours", "paper"

_LATEX = str.maketrans(
    {
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
        **{sign: f"\\{sign}" for sign in "%_&#${}"},
        **{"<": "$<$", ">": "$>$", "≤": r"$\leq$", "±": r"$\pm$", "–": "--"},
        **{"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "λ": r"$\lambda$", "τ": r"$\tau$"},
        **{"†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$"},
        **{DIGIT_SPACE: r"\phantom{0}", POINT_SPACE: r"\phantom{.}"},
    }
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.4 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; border-block: 2px solid; margin: 1em 0;
  font-variant-numeric: tabular-nums; }}
th, td {{ padding: .2em .7em; text-align: right; vertical-align: top; white-space: nowrap; }}
th {{ text-align: center; vertical-align: bottom; }}
th[colspan]:not(:empty) {{ border-bottom: 1px solid #999; }}
thead tr:last-child th {{ border-bottom: 1px solid; }}
.labels1 :is(th, td):nth-child(-n+1), .labels2 :is(th, td):nth-child(-n+2),
.labels3 :is(th, td):nth-child(-n+3) {{ text-align: left; }}
.prose :is(th, td) {{ white-space: normal; text-align: left; }}
.labels1 th[colspan], .labels2 th[colspan], .labels3 th[colspan] {{ text-align: center; }}
td sup {{ position: absolute; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows under one head.

    Attributes:
        printed: text of each cell: ``**bold**``; a line break before an interval or a range. The
            columns have two levels: a heading of several columns or "", and the heading of one.
        title: above the block; empty for none.
        labels: number of columns, from the left, that name a row; all of them for sentences.
    """

    printed: pd.DataFrame
    title: str = ""
    labels: int = 2

    def headings(self) -> list[tuple[str, str]]:
        """Both headings of each column."""
        over, own = (map(str, self.printed.columns.get_level_values(level)) for level in (0, 1))
        return list(zip(over, own, strict=True))

    def style(self, cell: Callable[[str], str], heading: Callable[[str], str]) -> Styler:
        """Prepare a table of HTML or LaTeX, whose head has two lines only where it needs them.

        Args:
            cell: writes the text of a cell.
            heading: writes a heading.
        """
        wide = any(over for over, _ in self.headings())
        printed = self.printed if wide else self.printed.droplevel(0, axis=1)
        styler = printed.style.hide(axis="index").format(lambda text: cell(str(text)))
        return styler.format_index(lambda text: heading(str(text)), axis=1)


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table in its two forms.

    Attributes:
        caption: one or two sentences above it.
        notes: one paragraph below it.
        numbers: full precision, one column per number.
        blocks: text for reading.
    """

    caption: str
    notes: str
    numbers: pd.DataFrame
    blocks: Sequence[Block]


def save_table(table: Table, paths: Sequence[Path]) -> None:
    """Write the table to every path, in the format of its suffix, a key of `WRITERS`."""
    for path in paths:
        write_text(path, WRITERS[path.suffix](table, path.stem))


def text_frame(columns: dict[tuple[str, str], list[str]]) -> pd.DataFrame:
    """Make the text of a block from its columns, by their two headings."""
    rows = list(zip(*columns.values(), strict=True))
    return pd.DataFrame(rows, columns=pd.MultiIndex.from_tuples(list(columns)))


def _csv(table: Table, name: str) -> str:
    return csv_text(table.numbers)


def _markdown(table: Table, name: str) -> str:
    parts = [f"{_title(name)}: {table.caption}"]
    for block in table.blocks:
        parts += [f"{block.title}:"] if block.title else []
        numbers = block.printed.shape[1] - block.labels
        parts.append(
            block.printed.map(_line).to_markdown(
                index=False,
                headers=[_line(_heading(*names)) for names in block.headings()],
                disable_numparse=True,
                colalign=["left"] * block.labels + ["right"] * numbers,
            )
        )
    return "\n\n".join([*parts, table.notes]) + "\n"


def _heading(over: str, own: str) -> str:
    """Heading of a Markdown column; the paper's stands right of ours."""
    if own == PAPER:
        return f"({PAPER})"
    return over if own == OURS else f"{over} {own}".strip()


def _line(text: str) -> str:
    """Text in one line, without the characters that align numbers."""
    return " ".join(text.replace(DIGIT_SPACE, "").replace(POINT_SPACE, "").split())


def _latex(table: Table, name: str) -> str:
    """Write a table environment in type of 8 pt, for booktabs."""
    lines = [
        f"% {_title(name)}; needs the package booktabs",
        r"\begin{table}[htbp]",
        r"\centering",
        rf"\caption{{{_latex_text(table.caption)}}}",
        rf"\label{{tab:{name}}}",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
    ]
    for block in table.blocks:
        title = [rf"\textit{{{_latex_text(block.title)}}}\\[2pt]"] if block.title else []
        lines += [r"\par\medskip", *title, *_tabular(block)]
    notes = rf"\parbox{{\linewidth}}{{\footnotesize {_latex_text(table.notes)}}}"
    return "\n".join([*lines, r"\par\medskip", notes, r"\end{table}", ""])


def _tabular(block: Block) -> Iterator[str]:
    """Yield the lines of a tabular, with a rule below each heading of several columns."""
    over = [heading for heading, _ in block.headings()]
    text: str = block.style(_latex_cell, _latex_heading).to_latex(
        hrules=True,
        column_format="l" * block.labels + "r" * (len(over) - block.labels),
        multicol_align="c",
    )
    begin, rule, rest = text.rstrip().partition("\\toprule\n")
    yield begin + rule.rstrip()
    if any(over):
        first, _, rest = rest.partition("\\\\\n")
        yield first + r"\\"
        yield "".join(_rules(over))
    names, middle, body = rest.partition("\\midrule\n")
    if block.printed.map(lambda cell: "\n" in cell).any(axis=None):
        body = body.replace(" \\\\\n", " \\\\\n\\addlinespace[2pt]\n")
    yield names + middle + body


def _rules(headings: Sequence[str]) -> Iterator[str]:
    place = 1
    for heading, group in groupby(headings):
        end = place + len(list(group))
        if heading:
            yield rf"\cmidrule(lr){{{place}-{end - 1}}}"
        place = end


def _latex_text(text: str) -> str:
    return text.translate(_LATEX)


def _latex_cell(text: str, place: str = "[t]{@{}r@{}}") -> str:
    """Write a cell: its first line level with the row, a mark without a width of its own."""
    text = "--" if text == NONE else _latex_text(text)
    text = re.sub(r"\*\*(.+?)\*\*", r"\\textbf{\1}", text)
    text = re.sub(r"(\$\^{\\d?dagger}\$)", r"\\rlap{\1}", text)
    lines = text.split("\n")
    if len(lines) == 1:
        return text
    return rf"\begin{{tabular}}{place}" + r" \\ ".join(lines) + r"\end{tabular}"


def _latex_heading(text: str) -> str:
    return _latex_cell(text, "[b]{@{}c@{}}")


def _webpage(table: Table, name: str) -> str:
    """Write a page that needs no other file."""
    title = _title(name)
    parts = [f"<p><strong>{title}.</strong> {html.escape(table.caption)}</p>"]
    for block in table.blocks:
        parts += [f"<p><em>{html.escape(block.title)}</em></p>"] if block.title else []
        text: str = block.style(_html_cell, _html_cell).to_html(exclude_styles=True)
        prose = block.labels == block.printed.shape[1]
        kind = "prose" if prose else f"labels{block.labels}"
        rows = text.strip().replace("<table>", f'<table class="{kind}">')
        parts.append(f"<div>{rows}</div>")
    parts.append(f"<p>{html.escape(table.notes)}</p>")
    return _PAGE.format(title=title, body="\n".join(parts))


def _html_cell(text: str) -> str:
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape("–" if text == NONE else text))
    return re.sub("([†‡])", r"<sup>\1</sup>", text).replace("\n", "<br>")


WRITERS = {".csv": _csv, ".md": _markdown, ".tex": _latex, ".html": _webpage}


def _title(name: str) -> str:
    """Title of a table from its file name: table_5 becomes Table 5."""
    return name.replace("_", " ").capitalize()
