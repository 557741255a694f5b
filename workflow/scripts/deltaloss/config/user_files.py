"""Checks of the files that a config is read from, and of the files and folders that it names."""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from deltaloss.core.errors import ConfigError, DataError, nearest
from deltaloss.core.files import file_sha256, read_json, write_json
from deltaloss.core.fingerprint import digest
from deltaloss.data.archives import read_pin
from deltaloss.puzzles.card import Card

FREE_BYTES = 1_000_000  # on the disk of the results, below which Snakemake's own notes may fail
CLOCK_SECONDS = 60.0  # by which a file may be dated ahead of the clock


class _Loader(yaml.SafeLoader):
    """Refuses a mapping in which a key stands twice."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            name, line = (key.tag, str(key.value)), key.start_mark.line + 1
            if name in lines and key.tag != "tag:yaml.org,2002:merge":
                raise ConfigError(
                    f"{self.name}, line {line}: key {key.value!r} stands in line {lines[name]} "
                    "too; keep one of them"
                )
            lines[name] = line
        return node


def check_keys(files: Iterable[str | Path]) -> None:
    """Refuse config files in which a key stands twice, of which YAML silently keeps the last.

    A file that is not YAML is left to Snakemake, which reports it or reads it as JSON.
    """
    for file in files:
        with suppress(OSError, ValueError, yaml.YAMLError), Path(file).open("rb") as stream:
            yaml.compose(stream, Loader=_Loader)


def content_digest(file: str | None, memory: Path, *, kind: str = "puzzle file") -> str:
    """Digest of a file's content, 64 hexadecimal digits; empty for an address and for None.

    Args:
        file: path or address.
        memory: folder that remembers digests by a file's path, size and time, because hashing a
            gigabyte takes seconds.
        kind: of the file, for errors.

    Raises:
        DataError: there is no such file, or it cannot be read.
    """
    if file is None or "://" in file:
        return ""
    path = Path(file)
    try:
        state = path.stat()
        known = memory / f"{digest([str(path.resolve()), state.st_size, state.st_mtime_ns])}.json"
        with suppress(DataError):
            return str(read_json(known)["content_sha256"])
        if not stat.S_ISREG(state.st_mode):
            example = "puzzle CSV, plain or .zst" if kind == "puzzle file" else kind
            raise DataError(f"{file}: is not a file; name a {example}")
        content = file_sha256(path)
    except FileNotFoundError as error:
        raise DataError(
            f"{file}: there is no such {kind}; write its path from the folder that "
            "snakemake runs in"
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{file}: cannot be read: {reason}; name another {kind}") from error
    write_json(known, {"file": str(path), "content_sha256": content})
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


def check_results_folders(*folders: Path) -> None:
    """Refuse folders that cannot be written to, or that are on a full disk, without making them."""
    for folder in folders:
        places = [folder, *folder.absolute().parents]
        existing = next(path for path in places if os.path.lexists(path))
        if not existing.is_dir():
            raise ConfigError(
                f"files go to {folder}/, but {existing} is not a folder; move it away"
            )
        below = [Path(parent) for parent, _, _ in os.walk(folder)] if existing == folder else []
        for place in (existing, *below):
            if place.exists() and not os.access(place, os.W_OK | os.X_OK):
                raise ConfigError(
                    f"files go to {folder}/, but {place} cannot be written; change its "
                    "permissions or run in another folder (snakemake --directory)"
                )
        disk = shutil.disk_usage(existing)
        if disk.total and disk.free < FREE_BYTES:
            raise ConfigError(
                f"files go to {folder}/, but the disk of {existing} is full "
                f"({disk.free / 1e6:.1f} MB free); free some space"
            )


def check_dates(*folders: Path) -> None:
    """Refuse files dated in the future, as after a clock was set back.

    Snakemake deletes finished outputs that are older than their inputs, long trainings among them.
    """
    for folder in (one for one in folders if one.is_dir()):
        with tempfile.TemporaryFile(dir=folder) as probe:  # a file server has a clock of its own
            now = os.fstat(probe.fileno()).st_mtime
        for parent, _, names in os.walk(folder):
            for path in (Path(parent, name) for name in names):
                if _date(path) > now + CLOCK_SECONDS:
                    raise ConfigError(
                        f"{path}: dated in the future, so the clock was set back; set it right, "
                        "or date all files anew, which reruns nothing: find results -exec touch "
                        "{} +"
                    )


def _date(path: Path) -> float:
    """Time of the last change; 0 for a file that another process has just removed."""
    with suppress(FileNotFoundError):
        return path.lstat().st_mtime
    return 0.0
