"""Checks of the files and folders that a config names, before any job starts."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deltaloss.core.errors import ConfigError, DataError, nearest
from deltaloss.core.files import file_sha256, write_json
from deltaloss.core.fingerprint import digest
from deltaloss.data.archives import read_pin
from deltaloss.puzzles.card import Card


def content_digest(file: str | None, memory: Path) -> str:
    """Digest of a file's content, 64 hexadecimal digits; empty for an address and for None.

    Args:
        file: path or address.
        memory: folder that remembers digests by a file's path, size and time, because hashing a
            gigabyte takes seconds.

    Raises:
        DataError: there is no such file.
    """
    if file is None or "://" in file:
        return ""
    path = Path(file)
    try:
        state = path.stat()
    except OSError as error:
        raise DataError(f"{path}: there is no such puzzle file") from error
    known = memory / f"{digest([str(path.resolve()), state.st_size, state.st_mtime_ns])}.json"
    if known.is_file():
        return str(json.loads(known.read_text(encoding="utf-8"))["sha256"])
    content = file_sha256(path)
    write_json(known, {"file": str(path), "sha256": content})
    return content


def check_archive_names(
    digests: Mapping[str, str], tasks: Iterable[tuple[Card, Mapping[str, Any]]]
) -> None:
    """Refuse a digest of a file that no puzzle reads, whatever the sizes: its name is misspelt.

    Args:
        digests: section `archives.sha256`.
        tasks: each puzzle's card and section `data`.
    """
    names = {
        name
        for card, data in tasks
        for split in ("train", "test")
        if (name := card.archive({**data, "source": "archive"}, split))
    }
    patterns = [re.sub("[0-9]+", "[0-9]+", re.escape(name)) for name in names]
    patterns.append(r"[^/]+\.zst")
    for name in digests:
        if not any(re.fullmatch(pattern, name) for pattern in patterns):
            raise ConfigError(
                f"archives.sha256.{name}: no puzzle reads such a file{nearest(name, names)}; they "
                f"read {', '.join(sorted(names))}, other sizes of these, and files ending .zst"
            )


def check_fetched(digests: Mapping[str, str], folder: Path) -> None:
    """Refuse a digest that contradicts the pinned one of a fetched file.

    Args:
        digests: section `archives.sha256`.
        folder: where fetched files are kept.
    """
    for name, wanted in digests.items():
        pin = read_pin(folder / name)
        if pin is not None and wanted != pin[0]:
            raise ConfigError(
                f"archives.sha256.{name}: {wanted[:12]}... is not the digest of the fetched file; "
                f"correct it, or delete {folder / name} and the data made of it"
            )


def check_results_folder(folder: Path) -> None:
    """Refuse a folder that results cannot be written to, without making it."""
    existing = next(path for path in [folder, *folder.absolute().parents] if os.path.lexists(path))
    if not existing.is_dir():
        raise ConfigError(f"results go to {folder}/, but {existing} is not a folder; move it away")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(
            f"results go to {folder}/, but {existing} cannot be written; change its permissions "
            "or run in another folder (snakemake --directory)"
        )
