"""Digests of settings and code that decide whether a job runs again.

Code counts by its parsed meaning: not by comments, formatting, docstrings, log calls, the texts of
errors, file names or times.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = "deltaloss"

OUTSIDE = (
    "deltaloss.core.errors",
    "deltaloss.core.log",
    "deltaloss.core.progress",
    "deltaloss.runtime",
)
"""Modules and rooms that change no result: messages to people, memory and devices."""

LOG_METHODS = ("debug", "info", "warning", "error", "exception")

_EXACT = 2**53  # below it, a float represents every whole number exactly


def canonical(value: object) -> object:
    """Return settings with sorted mappings, lists for tuples and 1 for 1.0."""
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def digest(value: object) -> str:
    """Short digest, 16 hexadecimal digits, of settings in canonical form."""
    text = json.dumps(canonical(value), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest(script: Path, *modules: str) -> str:
    """Digest of the meaning of a script and of the library's modules that it imports.

    Imports are followed through the library, except to `OUTSIDE`; other packages are not read.

    Args:
        script: the entry; the library is read in the folder beside it, if it is there, else where
            it was imported from.
        modules: further modules that the script imports by a name from its settings, such as
            ``deltaloss.losses.delta``.

    Raises:
        FileNotFoundError, SyntaxError: the script or a module is missing or does not parse.
    """
    folder = script.parent if (script.parent / PACKAGE).is_dir() else Path(__file__).parents[2]
    for name in modules:
        if _module_path(folder, name) is None:
            raise FileNotFoundError(f"{name}: there is no such module beside {script}")
    meanings: dict[str, str] = {}
    waiting: list[tuple[str, Path | None]] = [("", script)]
    waiting += [(name, _module_path(folder, name)) for name in modules]
    while waiting:
        name, path = waiting.pop()
        if path is None or name in meanings or _is_outside(name):
            continue
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        meanings[name], imports = _read(path.read_text(encoding="utf-8"), package)
        for other in (*imports, package, package.rpartition(".")[0]):
            if other not in meanings:
                waiting.append((other, _module_path(folder, other)))
    return digest(meanings)


def _is_outside(name: str) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in OUTSIDE)


def _module_path(folder: Path, name: str) -> Path | None:
    """File of a module of the library; None for functions, classes and other packages."""
    if name.partition(".")[0] != PACKAGE:
        return None
    base = folder.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache  # many jobs share modules: each text is parsed once per process
def _read(text: str, package: str) -> tuple[str, tuple[str, ...]]:
    """Digest of a file's meaning, and the names that it imports, functions among them."""
    tree = ast.parse(text)
    meaning = hashlib.sha256(_write(tree, package).encode()).hexdigest()
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in _imported(node, package)
    ]
    return meaning, tuple(dict.fromkeys(names))


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Full names in an import statement: of modules, and of what is imported from them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    origin = node.module or ""
    if node.level:
        parents = package.split(".")[: len(package.split(".")) - node.level + 1]
        origin = ".".join([*parents, *([origin] if origin else [])])
    yield origin
    yield from (f"{origin}.{alias.name}" for alias in node.names)


def _write(node: object, package: str) -> str:
    """Text of a syntax tree without positions, empty fields and all that has no meaning here.

    Without empty fields the text stays the same when a newer Python adds fields of its own.
    """
    if isinstance(node, list):
        kept = [item for item in node if not _is_silent(item, package)]
        return "[" + ",".join([_write(item, package) for item in kept]) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Raise):
        return "Raise()"
    fields = [
        f"{name}={_write(value, package)}"
        for name, value in ast.iter_fields(node)
        if value is not None and value != []
    ]
    return f"{type(node).__name__}({','.join(fields)})"


def _is_silent(item: object, package: str) -> bool:
    """Whether a statement changes no result: a docstring, a log call, an import from `OUTSIDE`."""
    if isinstance(item, (ast.Import, ast.ImportFrom)):
        return all(_is_outside(name) for name in _imported(item, package))
    if not isinstance(item, ast.Expr):
        return False
    match item.value:
        case ast.Constant():
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="logger"), attr=method)):
            return method in LOG_METHODS
    return False
