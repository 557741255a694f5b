"""Fetched files: where they lie, where they come from, and the digest that each is pinned to.

Beside a fetched file NAME lies `NAME.sha256`, the digest of its first download in the format of
sha256sum, with the address above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from deltaloss.core.errors import DataError
from deltaloss.core.files import file_sha256, write_text
from deltaloss.core.fingerprint import digest

FOLDER = "results/data/archives"

_PIN = re.compile(r"(?:# from ([^\n]*)\n)?([0-9a-f]{64})  [^\n]+\n")


def fetched_path(file: str) -> str:
    """Path of a file that a puzzle names; if by its address, where it is fetched to."""
    if "://" not in file:
        return file
    return f"{FOLDER}/{digest(file)}/{file.rpartition('/')[2]}"


def find_addresses(name: str, *, mirrors: Iterable[str], files: Iterable[str | None]) -> list[str]:
    """Addresses or paths that a file in `FOLDER` is fetched from, in order.

    Args:
        name: its path in `FOLDER`: NAME for an archive, DIGEST/NAME for a file with an address.
        mirrors: addresses or folders that may have archives.
        files: files that puzzles name.
    """
    if "/" in name:
        return [one for one in files if one and fetched_path(one) == f"{FOLDER}/{name}"]
    bases = [mirror.rstrip("/") for mirror in mirrors]
    return [f"{base}/{quote(name) if '://' in base else name}" for base in bases]


def describe_file(file: Path | None, digests: Mapping[str, str]) -> dict[str, str | None]:
    """Name, address and digest of the file that examples are read from; nothing without a file.

    Args:
        file: fetched, put in its place, or named in the config by the user.
        digests: section `archives.sha256` of the config.

    Raises:
        DataError: as of `check_pin`.
    """
    if file is None:
        return {}
    if not file.is_relative_to(FOLDER):
        return {"file_name": file.name, "address": None, "sha256": file_sha256(file)}
    sha256, address = check_pin(file, digests.get(file.name))
    return {"file_name": file.name, "address": address or None, "sha256": sha256}


def pin_file(path: Path | None, digests: Mapping[str, str]) -> None:
    """Pin a good file that the user put in its place; others are pinned or not ours.

    Args:
        path: of the file; None for none.
        digests: section `archives.sha256` of the config.
    """
    if path is not None and path.is_relative_to(FOLDER) and read_pin(path) is None:
        write_pin(path, *check_pin(path, digests.get(path.name)))


def check_pin(path: Path, sha256: str | None) -> tuple[str, str]:
    """Check the digest of a file in its place.

    Args:
        path: of the file.
        sha256: digest it must have; None: the pinned one.

    Returns:
        The digest, and the address that the file came from, empty where the user put it there.

    Raises:
        DataError: it has another digest.
    """
    found, pin = file_sha256(path), read_pin(path)
    expected = sha256.lower() if sha256 else pin[0] if pin else found
    if found != expected:
        source = "the config gives" if sha256 else f"{path.name}.sha256 has"
        digest = "correct archives.sha256" if sha256 else f"{path}.sha256 to accept this one"
        raise DataError(
            f"{path}: its SHA-256 is {found}, but {source} {expected}; delete the file to fetch "
            f"it again, or {digest}"
        )
    return pin or (found, "")


def read_pin(path: Path) -> tuple[str, str] | None:
    """Read what `pin_file` returns of a file; None where it was never fetched.

    Raises:
        DataError: the pin is damaged.
    """
    pin = _pin_path(path)
    try:
        match = _PIN.fullmatch(pin.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        match = None
    if match is None:
        raise DataError(f"{pin}: not the SHA-256 of a fetched file; delete it")
    return match[2], match[1] or ""


def write_pin(path: Path, sha256: str, address: str) -> None:
    """Write down the digest and the address of a file."""
    origin = f"# from {address}\n" if address else ""
    write_text(_pin_path(path), f"{origin}{sha256}  {path.name}\n")


def _pin_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
