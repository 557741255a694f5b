"""Fill the parts of the README that hold results, from results/published/; a test runs --check.

python docs/fill.py            rewrite them
python docs/fill.py --check    fail if one is not what is published
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "results" / "published"
README = ROOT / "README.md"

PUZZLES = {"prefix_sums": "prefix sums", "mazes": "mazes", "chess": "chess"}
TABLES = {"chess": 5, "mazes": 6, "prefix_sums": 7}
LEDGER, SWEEP = "laptop", "alpha-sweep"  # experiments

_OWN_ALPHA = re.compile(
    r"Progressive, α = (\d+\.\d+|[1-9]\d*)"
)  # any but 0, which is a loss by itself
_NOT_RUN = "not run"


def ledger() -> list[str]:
    """Lines of a table: claims of the paper against puzzles, with verdicts and numbers."""
    rows: dict[str, dict[str, str]] = {}
    for task in PUZZLES:
        swept = _claims(SWEEP, task)
        claims = pd.concat([_claims(LEDGER, task), swept[swept["claim"].str.contains("depends")]])
        for claim in claims[claims["verdict"] != "not testable here"].to_dict("records"):
            name = _OWN_ALPHA.sub("Progressive", claim["claim"])
            rows.setdefault(name, {})[task] = _cell(claim["verdict"], claim["measured"])
    heads = [f"{PUZZLES[task]}, {_seeds(task)}" for task in PUZZLES]
    cells = [[name, *(row.get(task, "-") for task in PUZZLES)] for name, row in rows.items()]
    return _table(["claim of the paper", *heads], cells)


def _claims(experiment: str, task: str) -> pd.DataFrame:
    """Claims about a puzzle that are about accuracies and steps; none if it is not published."""
    path = PUBLISHED / experiment / f"claims_{task}.csv"
    if not path.is_file():
        return pd.DataFrame(columns=["claim", "verdict", "measured"], dtype=str)
    claims = pd.read_csv(path)
    return claims[(claims["task"] == task) & (claims["unit"] != "ratio")]


def _seeds(task: str) -> str:
    path = PUBLISHED / LEDGER / "statistics" / f"seeds_{task}.csv"
    if not path.is_file():
        return _NOT_RUN
    return f"{pd.read_csv(path)['seed'].nunique()} seeds"


def _cell(verdict: str, measured: str) -> str:
    """Verdict and the part of what was measured that decides."""
    parts = measured.split("; ")
    decisive = next((part for part in parts if part.startswith("difference")), parts[0])
    return f"**{verdict}**: {decisive.removeprefix('difference ')}"


def quick() -> list[str]:
    """Lines of tables 5-7 of the quick experiment as one table."""
    rows = []
    for task, number in TABLES.items():
        lines = (PUBLISHED / "quick" / "tables" / f"table_{number}.md").read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("|"))
        last = next(i for i in range(first, len(lines)) if not lines[i].startswith("|"))
        head, align, *body = (_split(line) for line in lines[first:last])
        rows += [[PUZZLES[task], *row] for row in body]
    return _table(["puzzle", *map(str.lower, head)], rows, [":--", *align])


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[str] = ()
) -> list[str]:
    rule = [re.sub("-+", "--", mark) for mark in align] or ["---"] * len(heads)
    return [f"| {' | '.join(row)} |" for row in (heads, rule, *rows)]


PARTS: dict[str, Callable[[], list[str]]] = {"ledger": ledger, "quick": quick}


def fill(text: str) -> str:
    """Return a document with its parts written anew.

    Raises:
        ValueError: a part has no place, ``<!-- filled: name -->`` to ``<!-- end -->``.
    """
    for name, write in PARTS.items():
        place = re.compile(rf"(<!-- filled: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(place.findall(text)) != 1:
            raise ValueError(f"README.md: one place for {name} is needed")
        lines = "\n".join(["", *write(), "", ""])
        text = place.sub(lambda found, lines=lines: found[1] + lines + found[2], text)
    return text


def changes(text: str) -> Iterator[str]:
    """Yield lines that are not as published."""
    theirs = set(text.splitlines())
    yield from (line for line in fill(text).splitlines() if line not in theirs)


def main() -> None:
    """Fill the README, or check it."""
    text = README.read_text(encoding="utf-8")
    if "--check" in sys.argv[1:]:
        stale = list(changes(text))
        sys.exit("\n".join(["README.md is not as published:", *stale]) if stale else 0)
    README.write_text(fill(text), encoding="utf-8")


if __name__ == "__main__":
    main()
