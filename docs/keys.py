"""The keys of the config as tables, from the schema, the puzzles' cards and config.yaml."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from deltaloss.config.schema import load_schema  # noqa: E402
from deltaloss.core.runs import LOSSES  # noqa: E402
from deltaloss.puzzles.card import load_card, puzzle_names  # noqa: E402

Json = Mapping[str, Any]

WORDS = {
    "boolean": "true, false",
    "integer": "whole number",
    "null": "null",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
MANY = 10_000  # maxima from here on are no bounds that a reader meets


def key_tables() -> list[str]:
    """Lines of a table for each section of the config."""
    cards = {name: load_card(name) for name in puzzle_names()}
    schema = load_schema(ROOT / "workflow" / "schemas" / "config.schema.yaml", cards)
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    parts = schema["$defs"]
    lines = ["### The experiment", "", *_table(schema, config, parts)]
    lines += [
        "",
        "### archives",
        "",
        *_table(schema["properties"]["archives"], config["archives"], parts),
    ]
    lines += ["", "### A set of training settings", ""]
    lines += _table(parts["settings"], config["training"]["released"], parts)
    for name, task in schema["properties"]["tasks"]["properties"].items():
        lines += ["", f"### tasks.{name}", ""]
        lines += _table(task, config["tasks"].get(name, {}), parts, nested=True)
    lines += ["", "### tasks.TASK.released.RUN", ""]
    lines += _table(parts["released"], {}, parts)
    lines += ["", "### tasks.TASK.sizes", ""]
    return lines + _table(parts["size"], {}, parts)


def _table(section: Json, values: Json, parts: Json, *, nested: bool = False) -> list[str]:
    rows = list(_rows(section, values, parts, nested=nested))
    return ["| key | values | config.yaml | |", "| --- | --- | --- | --- |", *rows]


def _rows(
    section: Json, values: Json, parts: Json, *, nested: bool, path: str = ""
) -> Iterator[str]:
    for key, written in section["properties"].items():
        rule = {**written, **parts.get(written.get("$ref", "").rpartition("/")[2], {})}
        value = values.get(key)
        if nested and "properties" in rule and key not in ("training", *LOSSES):
            yield from _rows(rule, value or {}, parts, nested=nested, path=f"{path}{key}.")
            continue
        cells = (
            f"`{path}{key}`",
            _allowed(rule),
            _shown(value) if key in values else "-",
            " ".join(rule.get("description", "").split()),
        )
        yield f"| {' | '.join(_escaped(cell) for cell in cells)} |"


def _escaped(cell: str) -> str:
    return cell.replace("|", "&#124;").replace("<", "&lt;")


def _allowed(rule: Json) -> str:
    """Values that a key may have, in words."""
    if "enum" in rule:
        return ", ".join(map(str, rule["enum"]))
    if "anyOf" in rule:
        return " or ".join(str(one.get("const", "whole number")) for one in rule["anyOf"])
    kinds: Sequence[str] = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    if kinds == ["array"]:
        return f"list of: {_allowed({'type': 'object', **rule['items']})}"
    return ", ".join([" or ".join(WORDS[kind] for kind in kinds), *_bounds(rule)])


def _bounds(rule: Json) -> Iterator[str]:
    for name, word in (("minimum", "from"), ("exclusiveMinimum", "above"), ("maximum", "to")):
        if name in rule and abs(rule[name]) < MANY:
            yield f"{word} {rule[name]}"
    if "exclusiveMaximum" in rule:
        yield f"below {rule['exclusiveMaximum']}"


def _shown(value: object) -> str:
    """Value as config.yaml has it; nothing for a mapping, whose keys stand elsewhere."""
    if isinstance(value, dict):
        return "below" if value else "{}"
    return f"`{yaml.safe_dump(value, default_flow_style=True).partition('...')[0].strip()}`"
