"""Every value of a config is replaced by odd ones: each is refused in one line, or can work."""

from __future__ import annotations

import copy
import datetime
import os
from collections.abc import Iterator
from typing import Any

import pytest

from deltaloss.config.schema import load_schema
from deltaloss.core.errors import UserError
from deltaloss.puzzles.card import load_card, puzzle_names

from .configs import CONFIG, SCHEMA, changed, read

ODD: dict[str, Any] = {
    "null": None,
    "true": True,
    "401 digits": 10**400,
    "smallest float": 5e-324,
    "nan": float("nan"),
    "infinity": float("inf"),
    "empty text": "",
    "number as text": "1",
    "exponent as text": "1.0e5",
    "NUL": "a\0b",
    "line end": "a\nb",
    "half a letter": "\ud800",
    "5,000 letters": "x" * 5000,
    "date": datetime.date(2024, 1, 1),
    "empty list": [],
    "list of lists": [[1], [1]],
    "long list": ["x" * 300] * 99,
    "empty mapping": {},
    "number as key": {1: 2},
    "null as key": {None: {}},
    "long key": {"a\nb" * 99: 1},
}


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Places of all values below a node, mappings and lists among them."""
    children: Any = ()
    if isinstance(node, dict):
        children = node.items()
    elif isinstance(node, list):
        children = enumerate(node)
    for key, child in children:
        yield (*place, key)
        yield from places(child, (*place, key))


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A config with chess and a puzzle file; its schema is loaded once."""
    schema = load_schema(SCHEMA, {name: load_card(name) for name in puzzle_names()})
    monkeypatch.setattr("deltaloss.config.reading.load_schema", lambda *_: schema)
    (tmp_path / "a.csv").write_text("x")
    chess = copy.deepcopy(CONFIG["tasks"]["chess"])
    chess["data"] |= {"source": "lichess", "puzzles": str(tmp_path / "a.csv")}
    return changed(tasks={"chess": chess}, archives__sha256={"chess_data.tar.gz": "0" * 64})


@pytest.mark.parametrize("name", ODD)
def test_an_odd_value_anywhere_is_refused_in_one_line_or_can_work(name, base, tmp_path):
    refusals = []
    for place in places(base):
        config = copy.deepcopy(base)
        parent: Any = config
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = copy.deepcopy(ODD[name])
        try:
            experiment = read(config, tmp_path / "memory")
        except UserError as error:
            refusals.append(str(error))
        else:
            runs = [run.name for run in experiment.tasks["chess"].runs]
            path = experiment.examples_path("chess", "train")
            names = [experiment.name, *runs, *path.split("/")]
            assert max(len(os.fsencode(name)) for name in names) <= 200, place
    assert refusals
    assert [line for line in refusals if not line.isprintable() or len(line) > 300] == []
