"""docs/results.md against the columns of the published CSV files."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from .documents import ROOT

PUBLISHED = ROOT / "results" / "published"

FILES = {  # heading of docs/results.md -> path below results/published/<experiment>/
    "Histories": r"histories/[^/]+/[^/]+/seed\d+",
    "Evaluations": r"(evaluations|validations)/[^/]+/(?!untrained/)[^/]+/seed\d+",
    "Untrained networks": r"evaluations/[^/]+/untrained/seed\d+|statistics/untrained",
    "McNemar": r"statistics/mcnemar(_\w+)?",
    "Seeds": r"statistics/seeds(_\w+)?",
    "Over seeds": r"statistics/over_seeds(_\w+)?",
    "Table 2": r"tables/table_2",
    "Table 4": r"tables/table_4",
    "Tables 5-7": r"tables/table_[567]",
    "Efficiency": r"efficiency/\w+|tables/efficiency",
    "Claims": r"claims(_\w+)?",
}
ANALYSIS = re.compile(r"convergence/|recovery/|\w+/(convergence|stopping|recovery|sizes)_")
"""Tested beside their code."""


def name_of(path: Path) -> str:
    """Path of a published file below its experiment, without its ending."""
    return path.relative_to(PUBLISHED).with_suffix("").as_posix().partition("/")[2]


def kind_of(path: Path) -> str:
    """Heading of a published CSV file; empty for none."""
    name = name_of(path)
    return next((kind for kind, pattern in FILES.items() if re.fullmatch(pattern, name)), "")


def read_columns(text: str, heading: str) -> list[str]:
    """Columns in the table below a heading; endings such as `_min` are appended to the others."""
    section = re.search(rf"^### {re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    assert section, f"docs/results.md has no section {heading}"
    columns = []
    for cell in re.findall(r"^\| (`.*?) \|", section[1], re.MULTILINE):
        names = re.findall(r"`([^`]+)`", cell)
        plain = [name for name in names if not name.startswith("_")]
        endings = ["", *(name for name in names if name.startswith("_"))]
        columns += [name + ending for name in plain for ending in endings]
    return columns


@pytest.fixture(scope="module")
def columns() -> dict[str, set[str]]:
    """Columns of all published files of each kind."""
    found: dict[str, set[str]] = {}
    for experiment in ("quick", "laptop"):
        for path in sorted((PUBLISHED / experiment).rglob("*.csv")):
            if not ANALYSIS.match(name_of(path)):
                found.setdefault(kind_of(path), set()).update(pd.read_csv(path, nrows=0).columns)
    return found


def test_every_kind_of_published_file_has_a_section(columns):
    assert columns.keys() == FILES.keys()


@pytest.mark.parametrize("heading", FILES)
def test_the_documented_columns_are_those_of_the_files(columns, heading):
    documented = read_columns((ROOT / "docs" / "results.md").read_text(encoding="utf-8"), heading)
    assert [name for name, times in Counter(documented).items() if times > 1] == []
    assert set(documented) == columns[heading]


def test_endings_are_appended_to_all_names_of_their_cell():
    text = "### One\n\n| `a`, `b` (`_low`) | both `c` |\n| `d` | |\n### Two\n\n| `e` | |\n"
    assert read_columns(text, "One") == ["a", "a_low", "b", "b_low", "d"]
