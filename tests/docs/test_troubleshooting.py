"""docs/troubleshooting.md against the messages in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import snakemake

from .documents import ROOT

WORKFLOW = ROOT / "workflow"
LIBRARY = WORKFLOW / "scripts" / "deltaloss"
SNAKEMAKE_SECTION = "Snakemake, make and the system"
ANY = "\0"  # in place of names and numbers
LEAST = 8  # characters of a quote, so that it finds its message only

ERRORS = {
    *("ConfigError", "DataError", "TrainingError", "MemoryShortageError"),
    *("RefusedError", "_BrokenError"),  # parts of a DataError
}
LINES = "puzzles/chess/lichess.py"  # its ValueErrors are parts of a DataError, too

MADE_OF_OTHERS = {  # they only put a place before a message from elsewhere
    ("config/checks.py", f"{ANY}.sizes[{ANY}].{ANY}"),
    ("config/reading.py", f"{ANY}.data.{ANY}"),
    ("config/reading.py", f"{ANY}.data: {ANY}"),
    ("config/reading.py", f"{ANY}: {ANY}"),
    ("config/released.py", f"{ANY}: {ANY}"),
    ("config/schema.py", ANY),
    ("data/audit.py", f"{ANY}: {ANY}{ANY}; {ANY}"),
    ("data/fetch.py", ANY),
    ("data/hub.py", ANY),
    ("data/hub.py", f"{ANY} ({ANY} attempts)"),
    ("data/transfer.py", ANY),
    ("data/transfer.py", f"{ANY} ({ANY} attempts)"),
    ("evidence/bundle.py", f"{ANY}: {ANY}: {ANY}"),
    ("evidence/verification.py", ANY),
    (LINES, f"{ANY}, {ANY}"),
    (LINES, f"line {ANY}: {ANY}"),
}


def template(node: ast.expr) -> str:
    """Text of an expression with `ANY` for whatever is known at run time only."""
    if isinstance(node, ast.Constant):
        return re.sub(r"%(\.\d+)?[sdf]", ANY, str(node.value))
    if isinstance(node, ast.JoinedStr):
        parts = (v.value if isinstance(v, ast.Constant) else ANY for v in node.values)
        return "".join(map(str, parts))
    return ANY


def read_texts(source: str) -> Iterator[str]:
    """Yield all texts of a module but its docstrings."""
    tree = ast.parse(source)
    left_out = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(getattr(node, "value", None), str) or isinstance(node, ast.JoinedStr)
        if isinstance(node, (ast.Constant, ast.JoinedStr)) and is_text and id(node) not in left_out:
            yield template(node)


def read_sites() -> Iterator[tuple[str, str]]:
    """Yield module and text of each error that a user can cause, and of each warning."""
    for path in sorted(LIBRARY.rglob("*.py")):
        name = path.relative_to(LIBRARY).as_posix()
        names = ERRORS | ({"ValueError"} if name == LINES else set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            if called in names or called == "logger.warning":
                yield name, template(node.args[0])


def read_quotes() -> dict[str, list[str]]:
    """Messages in the first column of the page's tables, by section."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    sections = re.split(r"^## (.*)\n", page, flags=re.MULTILINE)[1:]
    quotes = {}
    for title, text in zip(sections[::2], sections[1::2], strict=True):
        cells = [cell for cell in re.findall(r"^\| (.*?) \|", text, re.M) if "`" in cell]
        quotes[title] = [quote for cell in cells for quote in re.findall("`([^`]+)`", cell)]
    quotes[SNAKEMAKE_SECTION].remove(".yaml")
    return quotes


QUOTES = read_quotes()
OURS = [quote for title, quotes in QUOTES.items() if title != SNAKEMAKE_SECTION for quote in quotes]


def pattern(quote: str) -> re.Pattern[str]:
    """Find a quote, in which `...` stands for names and numbers."""
    return re.compile(".{0,60}?".join(map(re.escape, quote.split("..."))), re.DOTALL)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """All texts of the workflow: modules and scripts, and the lines of its rules."""
    modules = [path.read_text(encoding="utf-8") for path in (WORKFLOW / "scripts").rglob("*.py")]
    rules = [path.read_text(encoding="utf-8") for path in (WORKFLOW / "rules").glob("*.smk")]
    lines = [line for rule in rules for line in rule.splitlines()]
    return [*(text for module in modules for text in read_texts(module)), *lines]


def test_no_message_stands_twice_or_is_too_short_to_be_found():
    assert len(OURS) == len(set(OURS)) > 100
    assert [quote for quote in OURS if len(quote.strip(" .")) < LEAST] == []


@pytest.mark.parametrize("quote", OURS)
def test_a_quoted_message_is_in_the_code(texts, quote):
    assert any(pattern(quote).search(text) for text in texts)


def test_snakemakes_messages_are_its_own():
    folder = Path(snakemake.__file__).parent
    modules = ("exceptions.py", "cli.py", "common/*.py", "io/*.py", "persistence/*.py")
    paths = [path for module in modules for path in folder.glob(module)]
    texts = [text for path in paths for text in read_texts(path.read_text(encoding="utf-8"))]
    for quote in QUOTES[SNAKEMAKE_SECTION]:
        assert any(pattern(quote).search(text) for text in texts), quote


def test_every_error_and_warning_of_the_library_is_on_the_page():
    sites = set(read_sites())
    assert len(sites) > 100
    assert sites >= MADE_OF_OTHERS
    found = [pattern(quote) for quote in OURS]
    absent = [site for site in sites if not any(one.search(site[1]) for one in found)]
    assert sorted(set(absent) - MADE_OF_OTHERS) == []


def test_a_text_is_read_with_its_gaps_and_without_docstrings():
    source = '"""Not me."""\nraise E(f"{path}: there is " "no such file")\nlog("%s: %.1f s")\n'
    assert list(read_texts(source))[:2] == [f"{ANY}: there is no such file", f"{ANY}: {ANY} s"]
    assert pattern("there ... file").search("x: there is no such file")
