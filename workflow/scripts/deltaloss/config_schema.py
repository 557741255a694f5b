"""A config held against its schema: the first thing that is wrong, in one line for its author."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jsonschema

from deltaloss.errors import ConfigError
from deltaloss.suggestions import nearest

# YAML has no sizes of 9.0: a whole number must be written as one.
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


def check_schema(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Hold a config against a JSON schema.

    Raises:
        ConfigError: the first thing that is wrong; an unknown key comes before all else.
    """
    validator = _Validator(schema)
    errors = sorted(validator.iter_errors(config), key=lambda error: list(map(str, error.path)))
    if errors:
        error = next((e for e in errors if e.validator == "additionalProperties"), errors[0])
        raise ConfigError(_in_words(error))


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
    "not": "this name is kept for something else; choose another",
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


def _in_words(error: jsonschema.ValidationError) -> str:
    """Say in one line where a schema is not met, the value there, and what is allowed."""
    where, value, rule = _key(error.absolute_path), error.instance, error.validator_value
    prefix = f"{where}." if where else ""
    if error.validator == "additionalProperties":
        known = list(error.schema["properties"])  # type: ignore[index]
        unknown = next(str(key) for key in value if key not in known)  # type: ignore[union-attr]
        return f"{prefix}{unknown}: unknown key{nearest(unknown, known)}; known: {', '.join(known)}"
    if error.validator == "required":
        missing = next(key for key in rule if key not in value)  # type: ignore
        return f"{prefix}{missing}: missing"
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


def _key(path: Any) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
