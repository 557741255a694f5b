"""What decides whether a job runs again: its settings and the meaning of the code that it uses."""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PACKAGE = "deltaloss"

# Modules that only speak to people or share out memory and like devices: none changes a result.
SPEAKING = (
    "deltaloss.device_locks",
    "deltaloss.errors",
    "deltaloss.event_files",
    "deltaloss.jobs",
    "deltaloss.memory",
    "deltaloss.suggestions",
    "deltaloss.watchers",
)


EXACT = 2**53  # below it a float is every whole number exactly


def canonical(value: object) -> object:
    """Sort all mappings, turn tuples to lists and 1.0 to 1: equal settings have one form."""
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return int(value)
    return value


def digest(value: object) -> str:
    """Give a short digest, 16 hexadecimal digits, of settings in canonical form."""
    text = json.dumps(canonical(value), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest(script: Path, *modules: str) -> str:
    """Give a digest of what a script and the library's modules that it imports mean.

    Imports are followed through the library; packages outside it are not. Comments, formatting,
    docstrings and the texts of errors are left out, and so are the modules that only speak to
    people, and the files' names and times.

    Args:
        script: the entry; the library lies in the folder beside it.
        modules: further modules that the script imports by a name from its settings, such as
            ``deltaloss.losses.delta``.

    Raises:
        FileNotFoundError, SyntaxError: a module that is not there or does not parse.
    """
    folder = script.parent
    known: dict[str, str] = {"": _meaning(script)}
    waiting = [*_imports(script, ""), *modules]
    while waiting:
        name = waiting.pop()
        path = _module_path(folder, name)
        if path is None or name in known or name in SPEAKING:
            continue
        known[name] = _meaning(path)
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        waiting += [*_imports(path, package), package]
    return digest(known)


def _module_path(folder: Path, name: str) -> Path | None:
    """Find a module of the library; None for names that are no module (functions, classes)."""
    base = folder.joinpath(*name.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


def _imports(path: Path, package: str) -> list[str]:
    """List the library's modules that a file imports, functions and classes named among them."""
    names: list[str] = []
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                origin = ".".join([*parents, *([origin] if origin else [])])
            names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.split(".")[0] == PACKAGE]


def _parse(path: Path) -> ast.Module:
    return _parse_text(path.read_text(encoding="utf-8"), str(path))


@cache
def _parse_text(text: str, path: str) -> ast.Module:
    return ast.parse(text, filename=path)


def _meaning(path: Path) -> str:
    return _written(_parse(path))


def _written(node: object) -> str:
    """Write a syntax tree without positions, docstrings and empty fields.

    Leaving out empty fields keeps the text the same when a newer Python adds fields of its own.
    """
    if isinstance(node, list):
        return "[" + ",".join(_written(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Raise):
        return "Raise()"
    fields = []
    for name, value in ast.iter_fields(node):
        kept = _without_docstring(node, value) if name == "body" else value
        if kept is not None and kept != []:
            fields.append(f"{name}={_written(kept)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _without_docstring(node: ast.AST, body: object) -> object:
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if (
        isinstance(node, documented)
        and isinstance(body, list)
        and ast.get_docstring(node) is not None
    ):
        return body[1:]
    return body
