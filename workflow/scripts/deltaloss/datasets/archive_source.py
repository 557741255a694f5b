"""Where files are fetched from, as the config's section `archives` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deltaloss.datasets.downloads import fetch_archive
from deltaloss.fingerprint import digest


@dataclass(frozen=True, kw_only=True)
class Archives:
    """Where archives come from.

    Attributes:
        mirrors: base addresses, or folders, tried in order.
        folder: keeps what was fetched.
        sha256: digests by an archive's name; of others, that of the first download counts.
        max_bytes: an archive that unpacks to more is refused.
        progress: is told what happens, line by line.
    """

    mirrors: tuple[str, ...]
    folder: Path
    sha256: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int
    progress: Callable[[str], None]


def choose_archives(config: Mapping[str, Any], progress: Callable[[str], None]) -> Archives:
    """Read the config's section `archives`; what was fetched is kept for all experiments."""
    return Archives(
        mirrors=tuple(config["mirrors"]),
        folder=Path("results/data/archives"),
        sha256=config["sha256"],
        max_bytes=int(config["max_gigabytes"] * 10**9),
        progress=progress,
    )


def fetch(archives: Archives, name: str, *, mirrors: Sequence[str] | None = None) -> Path:
    """Give the path of a file, fetched from the mirrors if it is not there. Errors: DataError."""
    return fetch_archive(
        name,
        mirrors=mirrors or archives.mirrors,
        folder=archives.folder,
        sha256=archives.sha256.get(name),
        progress=archives.progress,
    )


def fetch_puzzles(archives: Archives, puzzles: str) -> Path:
    """Give the path of a puzzle file, fetched first where `puzzles` is an address."""
    if "://" not in puzzles:
        return Path(puzzles)
    base, _, name = puzzles.rpartition("/")
    beside = replace(archives, folder=archives.folder / digest(puzzles))  # names repeat
    return fetch(beside, name, mirrors=[base])
