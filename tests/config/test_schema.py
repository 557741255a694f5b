"""The schema explains every key, and takes puzzles and losses from where they are declared."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import yaml

from deltaloss.config.schema import check_schema, load_schema
from deltaloss.config.settings import NetworkSettings, TrainingSettings
from deltaloss.core.errors import ConfigError
from deltaloss.core.runs import LOSSES
from deltaloss.puzzles.card import Card, load_card, puzzle_names

from .configs import CONFIG, SCHEMA, changed

CARDS = {name: load_card(name) for name in puzzle_names()}
TOY = Card(
    name="toy",
    title="Toys",
    size_words="{size} bits",
    table=8,
    data_keys={"colour": {"description": "Of the toy.", "enum": ["red", "blue"]}},
)


def unexplained(schema: dict[str, Any], node: dict[str, Any], place: str) -> list[str]:
    """Keys below a node of the schema that neither they nor their target describe."""
    found = []
    for key, child in node.get("properties", {}).items():
        whole = schema["$defs"][child["$ref"].rsplit("/", 1)[1]] if "$ref" in child else child
        if "description" not in whole:
            found.append(f"{place}.{key}")
        found += unexplained(schema, whole, f"{place}.{key}")
    return found


def test_every_key_is_explained():
    schema = load_schema(SCHEMA, CARDS)
    assert unexplained(schema, schema, "config") == []


def test_the_settings_of_jobs_are_the_keys_of_the_schema():
    parts = yaml.safe_load(SCHEMA.read_text())["$defs"]
    for name, settings in (("settings", TrainingSettings), ("network", NetworkSettings)):
        assert list(parts[name]["properties"]) == [field.name for field in fields(settings)]


def test_another_puzzle_brings_its_keys_without_an_edit_of_the_schema():
    schema = load_schema(SCHEMA, {**CARDS, "toy": TOY})
    data = {
        "source": "generate",
        "colour": "red",
        "train": {"size": 1, "count": 9},
        "test": {"size": 2, "count": 9},
        "validation_fraction": 0.5,
    }
    toy = {**CONFIG["tasks"]["mazes"], "data": data}
    check_schema(changed(tasks__toy=toy), schema)
    for wrong, message in (
        ({**data, "colour": "grey"}, r"tasks\.toy\.data\.colour: 'grey': allowed: red, blue"),
        ({**data, "source": "archive"}, r"source: 'archive': allowed: generate"),
        ({**data, "color": "red"}, r"data\.color: unknown key \(did you mean 'colour'"),
        ({k: v for k, v in data.items() if k != "colour"}, r"data\.colour: missing"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_schema(changed(tasks__toy={**toy, "data": wrong}), schema)


def test_another_loss_may_have_settings_of_its_own(monkeypatch):
    config = changed(training__released__toy={"epochs": 3})
    with pytest.raises(ConfigError, match=r"training\.released\.toy: unknown key"):
        check_schema(config, load_schema(SCHEMA, CARDS))
    monkeypatch.setitem(LOSSES, "toy", None)
    check_schema(config, load_schema(SCHEMA, CARDS))
