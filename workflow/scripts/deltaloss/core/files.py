"""Atomic writes of files, and the digests by which a damaged file is noticed.

A JSON file holds the digest of its own content, under `SEAL`. A file that cannot hold its digest,
such as a CSV, has it in the JSON file of the same stem beside it, under `FILES`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deltaloss.core.errors import DataError

TEMPORARY = ".tmp"
NAME = "name"
SEAL = "json_sha256"
FILES = "files_sha256"
DIGITS = 7  # significant ones of figures in CSV, as float32 has


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Context of a temporary path in the same folder, synced and renamed to `path` on success.

    The folder is synced too, so that the new name survives a crash of the machine. On any error
    the temporary file is removed and `path` is left as it was. The suffix is kept, because
    writers such as `numpy.savez` and matplotlib choose their format by it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{TEMPORARY}{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def remove_stale(folder: Path) -> None:
    """Remove temporary files of killed writers; only safe where nobody else writes."""
    for path in folder.glob(f".*{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, 64 hexadecimal digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def csv_text(frame: Any) -> str:
    """Text of a pandas data frame as CSV, with figures of `DIGITS` digits."""
    return str(frame.to_csv(index=False, float_format=f"%.{DIGITS}g"))


def write_csv(path: Path, frame: Any) -> None:
    """Write a pandas data frame to `path` as CSV, atomically; see `csv_text`."""
    write_text(path, csv_text(frame))


def write_json(path: Path, value: Mapping[str, object], *, files: Iterable[Path] = ()) -> None:
    """Write `value` to `path` as indented JSON, atomically, with the digest of its content.

    Args:
        path: of the JSON file.
        value: JSON values.
        files: finished files beside `path` whose digests are added; see `check_file`.

    Raises:
        ValueError: NaN or infinity.
    """
    digests = {file.name: file_sha256(file) for file in files}
    value = {**value, FILES: digests} if digests else value
    sealed = {**value, SEAL: _json_sha256(value)}
    write_text(path, json.dumps(sealed, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote, without the digest of its content.

    Raises:
        DataError: the file is missing, damaged, or something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value.pop(SEAL) != _json_sha256(value):
            raise ValueError("another digest")
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    except (AttributeError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise damaged(path) from error
    return dict(value)


def check_file(path: Path) -> None:
    """Check a file by its digest in the JSON file of the same stem beside it.

    Raises:
        DataError: either file is missing or damaged, or is another result.
    """
    beside = read_json(path.with_suffix(".json"))
    if not path.is_file():
        raise DataError(f"{path}: there is no such file")
    if file_sha256(path) != beside.get(FILES, {}).get(path.name):
        raise damaged(path)
    check_name(path, beside)


def result_name(path: Path) -> str:
    """Name of a result of one network, as it stands in its provenance: "mazes/delta/seed42"."""
    return "/".join((*path.parts[-3:-1], path.stem))


def check_name(path: Path, provenance: Mapping[str, object]) -> None:
    """Refuse a file that is in the place of another.

    Raises:
        DataError: its provenance has a name, and not that of its path.
    """
    name = provenance.get(NAME)
    if name not in (None, result_name(path)):
        raise DataError(f"{path}: is that of {name}; delete it, then make it again by its path")


def digest_files(paths: Iterable[str]) -> list[str]:
    """JSON files that hold the digests of others, each once; see `check_file`."""
    return list(dict.fromkeys(str(Path(path).with_suffix(".json")) for path in paths))


def damaged(path: Path) -> DataError:
    """Error of a file whose content is not what was written."""
    return DataError(f"{path}: damaged or changed; delete it, then make it again by its path")


def _json_sha256(value: Mapping[str, object]) -> str:
    """Digest of JSON values; the same for the values read back."""
    plain = json.loads(json.dumps(value, allow_nan=False))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()
