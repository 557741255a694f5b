"""Fill the parts of README and docs/ that are made of other files; a test runs --check.

python -m docs.fill            rewrite them
python -m docs.fill --check    say what is out of date
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from docs.keys import key_tables  # also makes the library importable

from deltaloss.evidence.contradictions import CONTRADICTIONS  # isort: skip
from deltaloss.evidence.judges import COLLAPSED, FEW_PUZZLES  # isort: skip

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "results" / "published"

COLUMNS = [  # of the ledger: experiment, puzzle and head
    ("gpu", "prefix_sums", "prefix sums, paper's network"),
    ("laptop", "prefix_sums", "prefix sums, small"),
    ("laptop", "mazes", "mazes, small"),
    ("laptop", "chess", "chess, small"),
]
SWEEP = "alpha-sweep"  # its claims about alpha stand beside those of the small networks
CONDITIONS = {  # docs/protocol.md
    "collapse": "none changed",
    "collapse-decay": "weight decay 0.0002",
    "collapse-steps": "T = 10 instead of 20",
    "collapse-width": "width 24 instead of 48",
    "collapse-epochs": "36 epochs instead of 12",
}
PUZZLES = {"prefix_sums": "prefix sums", "mazes": "mazes", "chess": "chess"}
TABLES = {"chess": 5, "mazes": 6, "prefix_sums": 7}

_OWN_ALPHA = re.compile(
    r"Progressive, α = (\d+\.\d+|[1-9]\d*)"
)  # any but 0, which is a loss by itself
_NOT_RUN = "not run"


def ledger() -> list[str]:
    """Lines of a table: claims of the paper against studies, with verdicts and numbers."""
    rows: dict[str, dict[str, str]] = {}
    for experiment, task, head in COLUMNS:
        claims = _claims(experiment, task)
        if experiment == "laptop":
            swept = _claims(SWEEP, task)
            claims = pd.concat([claims, swept[swept["claim"].str.contains("depends")]])
        for claim in claims[claims["verdict"] != "not testable here"].to_dict("records"):
            name = _OWN_ALPHA.sub("Progressive", claim["claim"])
            rows.setdefault(name, {})[head] = _cell(claim["verdict"], claim["measured"])
    heads = [f"{head}, {_seeds(experiment, task)}" for experiment, task, head in COLUMNS]
    cells = [[name, *(row.get(head, "-") for *_, head in COLUMNS)] for name, row in rows.items()]
    return _table(["claim of the paper", *heads], cells)


def _claims(experiment: str, task: str) -> pd.DataFrame:
    """Claims about a puzzle that are about accuracies and steps; none if it is not published."""
    path = PUBLISHED / experiment / f"claims_{task}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=["claim", "verdict", "measured"], dtype=str)
    claims = pd.read_csv(path)
    return claims[(claims["task"] == task) & (claims["unit"] != "ratio")]


def _seeds(experiment: str, task: str) -> str:
    path = PUBLISHED / experiment / "statistics" / f"seeds_{task}.csv"
    if not path.is_file():
        return _NOT_RUN
    return f"{pd.read_csv(path)['seed'].nunique()} seeds"


def _cell(verdict: str, measured: str) -> str:
    """Verdict and the part of what was measured that decides."""
    parts = measured.split("; ")
    decisive = next((part for part in parts if part.startswith("difference")), parts[0])
    return f"**{verdict}**: {decisive.removeprefix('difference ')}"


def accuracies(experiment: str) -> list[str]:
    """Lines of an experiment's tables 5-7, of the puzzles that are published, as one table."""
    rows: list[list[str]] = []
    for task, number in TABLES.items():
        path = PUBLISHED / experiment / "tables" / f"table_{number}.md"
        if not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("|"))
        last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
        head, align, *body = (_split(line) for line in lines[first:last])
        rows += [[PUZZLES[task], *row] for row in body]
    heads, align = ["puzzle", *map(str.lower, head)], [":--", *align]
    several = len({row[0] for row in rows}) > 1  # else the text around names the puzzle
    shown = slice(0 if several else 1, None)
    return _table(heads[shown], [row[shown] for row in rows], align[shown])


def collapse() -> list[str]:
    """Lines of a table: what α = 0 keeps at the last step, under each condition."""
    rows = []
    for experiment, condition in CONDITIONS.items():
        path = PUBLISHED / experiment / "statistics" / "seeds_prefix_sums.csv"
        if not path.is_file():
            rows.append([condition, *[_NOT_RUN] * 3])
            continue
        seeds = pd.read_csv(path).pivot_table(
            index="seed", columns="comparison", values=["accuracy_percent", "correct", "solved"]
        )
        most, end = (seeds["accuracy_percent"][which] for which in ("maximum", "last"))
        able = seeds["correct"]["maximum"] >= FEW_PUZZLES  # of 100: more than 1 % too
        rows.append(
            [
                condition,
                f"{int(seeds['solved']['maximum'].sum())} of {len(seeds)}",
                f"{int((end < COLLAPSED * most)[able].sum())} of {int(able.sum())}",
                ", ".join(f"{m:g} / {e:g}" for m, e in zip(most, end, strict=True)),
            ]
        )
    heads = ["condition", "solved", "collapsed", "maximum / last step of each seed (%)"]
    return _table(heads, rows)


def contradictions() -> list[str]:
    """Lines of a table: where the paper contradicts itself, its code or its data."""
    rows = [[one.what, one.says, one.but, one.here] for one in CONTRADICTIONS]
    return _table(["topic", "the paper says", "but", "here"], rows)


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str] = ()
) -> list[str]:
    rule = [re.sub("-+", "--", mark) for mark in align] or ["---"] * len(heads)
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


Parts = Mapping[str, Callable[[], list[str]]]

DOCUMENTS: dict[Path, Parts] = {
    ROOT / "README.md": {"gpu": partial(accuracies, "gpu"), "ledger": ledger},
    ROOT / "docs" / "quick.md": {"quick": partial(accuracies, "quick")},
    ROOT / "docs" / "studies.md": {
        **{name: partial(accuracies, name) for name in ("gpu", "laptop", "laptop-own", SWEEP)},
        "collapse": collapse,
    },
    ROOT / "docs" / "differences.md": {"contradictions": contradictions},
    ROOT / "docs" / "configuration.md": {"keys": key_tables},
}


def fill(text: str, parts: Parts) -> str:
    """Return a document with its parts written anew.

    Raises:
        ValueError: a part has no place, ``<!-- filled: name -->`` to ``<!-- end -->``.
    """
    for name, write in parts.items():
        place = re.compile(rf"(<!-- filled: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"one place for {name} is needed")
        lines = "\n".join(["", *write(), "", ""])
        text = place.sub(lambda found, lines=lines: found[1] + lines + found[2], text)
    return text


def main() -> None:
    """Fill the documents, or check them."""
    stale = []
    for path, parts in DOCUMENTS.items():
        text = path.read_text(encoding="utf-8")
        filled = fill(text, parts)
        if "--check" in sys.argv[1:]:
            stale += [f"{path}: {line}" for line in set(filled.split("\n")) - set(text.split("\n"))]
        else:
            path.write_text(filled, encoding="utf-8")
    sys.exit("\n".join(stale) or 0)


if __name__ == "__main__":
    main()
