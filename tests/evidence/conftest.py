"""A puzzle and a loss that the paper does not know, and the source of results for all tests."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from deltaloss.core.runs import LOSSES, Parameter
from deltaloss.puzzles import card as cards

PUBLISHED = Path(__file__).resolve().parents[2] / "results" / "published" / "quick"


@pytest.fixture
def toy(monkeypatch):
    """Name of a user's puzzle and of a user's loss with a parameter λ."""
    package = ModuleType("deltaloss.puzzles.toy")
    package.__path__ = []
    module = ModuleType("deltaloss.puzzles.toy.card")
    module.CARD = cards.Card(name="toy", title="Toy", size_words="{size}-sided toys", table=8)
    for one in (package, module):
        monkeypatch.setitem(sys.modules, one.__name__, one)
    monkeypatch.setattr(cards, "puzzle_names", lambda: ["toy"])
    parameter = Parameter(name="lambda", symbol="λ", low=0, high=9)
    monkeypatch.setitem(LOSSES, "toy", parameter)
    return "toy"
