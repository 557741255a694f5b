"""A config held against its JSON schema; the first error is reported in one line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date
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
            (isinstance(value, int) and not isinstance(value, bool))
            or (isinstance(value, float) and math.isfinite(value))
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
    size = {key: rule for key, rule in card.split_keys.items() if key == "size"}
    sizes = {**parts["task"]["properties"]["sizes"], "items": _with_keys(parts["size"], size)}
    return _with_keys(parts["task"], {"data": data, "sizes": sizes})


def _with_keys(part: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with further keys, which are required unless they have a default."""
    needed = [name for name, rule in keys.items() if "default" not in rule]
    return {
        **part,
        "properties": {**part["properties"], **keys},
        "required": [*dict.fromkeys([*part["required"], *needed])],
    }


def check_schema(config: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Check a config against a JSON schema.

    Nested values of --config arrive as texts. A text where the schema wants a number, a boolean or
    null is replaced by the one that it is in YAML, in the config itself, for scripts read it too.

    Raises:
        ConfigError: names the first error; unknown keys come before all others.
    """
    validator = _Validator(schema)
    for error in _errors(validator, config):
        if error.validator in ("type", "anyOf") and isinstance(error.instance, str):
            value, rule = _plain(error.instance), {error.validator: error.validator_value}
            if not isinstance(value, str) and validator.evolve(schema=rule).is_valid(value):
                _replace(config, list(error.absolute_path), value)
    if errors := _errors(validator, config):
        error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
        raise ConfigError(_describe(error))


def _errors(validator: Any, config: Mapping[str, Any]) -> list[jsonschema.ValidationError]:
    """Errors of a config in the order of their keys."""
    try:
        return sorted(validator.iter_errors(config), key=lambda e: list(map(str, e.path)))
    except ValueError as error:  # Python writes no whole number of more than 4300 digits
        raise ConfigError("a number has thousands of digits; write a smaller one") from error


def _plain(text: str) -> Any:
    """Value of a text without quotes in YAML; the text itself unless that is a plain scalar."""
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except (ValueError, yaml.YAMLError):
        return text


def _replace(config: Any, path: list[str | int], value: object) -> None:
    for part in path[:-1]:
        config = config[part]
    config[path[-1]] = value


_ALLOWED = {
    "enum": "allowed: {}",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be above {}",
    "exclusiveMaximum": "must be below {}",
    "minItems": "must list at least {}",
    "maxItems": "must list at most {}",
    "minLength": "must not be empty",
    "maxLength": "must have at most {} characters",
    "minProperties": "must have at least {} entry",
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
    """One line with the key, its value, and what is allowed.

    The key `x-says` of the schema holds what is allowed where a rule does not say it in words.
    """
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
        return f"{where}: {_show(twice)} is listed twice; list each once"
    if error.validator == "type":
        kinds: list[str] = [rule] if isinstance(rule, str) else rule  # type: ignore[assignment]
        if "number" in kinds and (number := _EXPONENT.fullmatch(str(value))):
            digits, sign, exponent = number.groups()
            written = f"{digits}{'' if '.' in digits else '.0'}e{sign or '+'}{exponent}"
            return f"{where}: {_show(value)} is text in YAML; write {written}"
        allowed = "must be " + " or ".join(_KINDS[kind] for kind in kinds)
        if "string" in kinds and isinstance(value, (int, float, date)):
            allowed += "; put it in quotes"
    elif error.validator in ("anyOf", "pattern"):
        allowed = error.schema["x-says"]  # type: ignore[index]
    else:
        listed = ", ".join(map(str, rule)) if isinstance(rule, list) else rule
        allowed = _ALLOWED.get(str(error.validator), error.message).format(listed)
    return f"{where or 'config'}: {_show(value)}: {allowed}"


_EXPONENT = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))[eE]([-+]?)([0-9]+)")


def _show(value: object) -> str:
    """Value as it may stand in YAML, without its middle where it is long."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 80 else f"{text[:50]}...{text[-20:]}"


def _key(path: Iterable[str | int]) -> str:
    """Path of a key as in "tasks.mazes.runs[0]"."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).lstrip(".")
