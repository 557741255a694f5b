"""Code that has changed and computes the same."""

from __future__ import annotations

import json

import pytest

from deltaloss.config.published import find_difference
from deltaloss.config.same_code import SAME_CODE, latest

from ..workflow.projects import ROOT

SUMMARY = "results/some/histories/mazes/delta/seed1.json"
EXPECTED = {SUMMARY.replace("seed1", "*"): {"code": "third", "epochs": 5}}


def difference(code: str, epochs: int = 5) -> str | None:
    settings = {"code": code, "epochs": epochs, "seed": 1}
    return find_difference(SUMMARY, {"settings": settings}, EXPECTED)


def test_results_of_former_code_are_as_of_the_present(monkeypatch: pytest.MonkeyPatch) -> None:
    assert difference("first") == "code first (now third)"
    monkeypatch.setitem(SAME_CODE, "first", "second")
    monkeypatch.setitem(SAME_CODE, "second", "third")
    assert difference("first") is None
    assert difference("first", epochs=4) == "epochs 4 (now 5)"
    assert difference("other") == "code other (now third)"
    monkeypatch.setitem(SAME_CODE, "third", "fourth")  # the present code is an earlier one again
    assert difference("third") is None


def test_no_code_follows_upon_itself() -> None:
    for code in SAME_CODE:
        assert latest(code) != code


def test_every_former_code_has_published_something() -> None:
    published = {
        found
        for path in (ROOT / "results" / "published").rglob("*.json")
        for found in _codes(json.loads(path.read_text()))
    }
    assert published >= SAME_CODE.keys() - set(SAME_CODE.values())


def _codes(value: object) -> set[str]:
    """Digests of code anywhere in a summary."""
    if isinstance(value, dict):
        own = {value["code"]} if isinstance(value.get("code"), str) else set()
        return own.union(*map(_codes, value.values()))
    return set().union(*map(_codes, value)) if isinstance(value, list) else set()
