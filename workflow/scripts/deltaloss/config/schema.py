"""A config held against its JSON schema; the first error is reported in one line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from deltaloss.core.errors import ConfigError, nearest
from deltaloss.core.runs import LOSSES
from deltaloss.puzzles.card import Card

# 9.0 is no whole number here, and neither NaN nor infinity is a number.
_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda _, value: (
            isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        ),
    }
)
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, type_checker=_TYPES
)


def load_schema(path: Path, cards: Mapping[str, Card]) -> dict[str, Any]:
    """Load the schema and complete it with the keys of the puzzles' cards and of the losses."""
    schema: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = schema["$defs"]
    training_set = parts["training_set"]
    training_set["properties"] = {
        **parts["settings"]["properties"],
        **{loss: {"$ref": "#/$defs/settings"} for loss in LOSSES},
    }
    training_set["additionalProperties"] = False
    schema["properties"]["tasks"] |= {
        "properties": {name: _task(parts, card) for name, card in cards.items()},
        "additionalProperties": False,
    }
    return schema


def _task(parts: Mapping[str, Any], card: Card) -> dict[str, Any]:
    """Return the schema of one puzzle's section."""
    split = _with_keys(parts["split"], card.split_keys)
    data = _with_keys(parts["data"], card.data_keys)
    data["properties"] |= {
        "source": {**data["properties"]["source"], "enum": list(card.sources)},
        "train": split,
        "test": split,
    }
    return _with_keys(parts["task"], {"data": data})


def _with_keys(part: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with further keys, which are required unless they have a default."""
    needed = [name for name, rule in keys.items() if "default" not in rule]
    return {
        **part,
        "properties": {**part["properties"], **keys},
        "required": [*dict.fromkeys([*part["required"], *needed])],
    }


def check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check a config against a JSON schema.

    Raises:
        ConfigError: names the first error; unknown keys come before all others.
    """
    validator = _Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
        raise ConfigError(_describe(error))


_ALLOWED = {
    "enum": "allowed: {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "minItems": "must list at least {}",
    "maxItems": "must list at most {}",
    "minLength": "must not be empty",
    "minProperties": "must have at least {} entry",
    "pattern": "must be letters, digits, '_', '.' or '-', and begin with a letter or digit",
    "not": "this name is reserved; choose another",
}


_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a finite number",
    "object": "a mapping of keys to values",
    "string": "text",
}


def _describe(error: jsonschema.ValidationError) -> str:
    """One line with the key, its value, and what is allowed."""
    where, value, rule = _key(error.absolute_path), error.instance, error.validator_value
    prefix = f"{where}." if where else ""
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])  # type: ignore[index]
        unknown = next(str(key) for key in value if key not in known)  # type: ignore[union-attr]
        return f"{prefix}{unknown}: unknown key{nearest(unknown, known)}; known: {', '.join(known)}"
    if error.validator == "required":
        missing = next(key for key in rule if key not in value)  # type: ignore
        return f"{prefix}{missing}: missing; add it, as in config.yaml"
    if error.validator == "uniqueItems":
        twice = next(item for item in value if value.count(item) > 1)  # type: ignore
        return f"{where}: {twice!r} is listed twice; list each once"
    if error.validator == "type" and isinstance(value, str) and _is_number(value):
        return f"{where}: '{value}' is text in YAML; write a number, with a point: 1.0e-3"
    shown = "null" if value is None else repr(value)
    if error.validator == "type":
        kinds: list[str] = [rule] if isinstance(rule, str) else rule  # type: ignore[assignment]
        words = " or ".join(_KINDS[kind] for kind in kinds)
        return f"{where or 'config'}: {shown}: must be {words}"
    listed = ", ".join(map(str, rule)) if isinstance(rule, list) else rule
    allowed = _ALLOWED.get(str(error.validator), error.message).format(listed)
    return f"{where or 'config'}: {shown}: {allowed}"


def _key(path: Iterable[str | int]) -> str:
    """Path of a key as in "tasks.mazes.runs[0]"."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
