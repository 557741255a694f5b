"""Fetch a file from the first mirror that has a good copy: resumed, verified, pinned."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from deltaloss.core.errors import DataError, printable
from deltaloss.core.files import file_sha256
from deltaloss.core.log import logger
from deltaloss.data.archives import check_pin, read_pin, write_pin
from deltaloss.data.transfer import RefusedError, discard, download


def fetch(
    path: Path,
    addresses: Sequence[str],
    *,
    sha256: str | None,
    verify: Callable[[Path], None],
    max_bytes: int,
) -> None:
    """Fetch a file to `path`, where it only appears whole; one that is there is only checked.

    Args:
        path: of the file; its folder keeps what arrived of it, too, as NAME.part.
        addresses: https://, http:// or file:/// addresses and paths, tried in order.
        sha256: digest it must have; None: that of its first download, if there was one.
        verify: raises DataError for bad content.
        max_bytes: of the largest file accepted.

    Raises:
        DataError: no address has a good file; its digest is another; the folder cannot be written.
    """
    known = read_pin(path)
    if path.exists():
        check_pin(path, sha256)
        if known is None:
            verify(path)
        return
    expected = sha256.lower() if sha256 else known and known[0]
    part, failures = path.with_name(f"{path.name}.part"), []
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        for address in addresses:
            shown = _without_password(address)
            logger.info("%s: fetching from %s", path.name, shown)
            try:
                _transfer(address, part, max_bytes)
                found = _check(part, expected, verify)
            except RefusedError as error:
                failures.append(f"{shown}: {error}")
                logger.info("%s: not from %s", path.name, failures[-1])
                continue
            write_pin(path, found, shown)
            part.replace(path)
            discard(part)
            logger.info("%s: fetched, %.1f MB", path.name, path.stat().st_size / 1e6)
            return
    except OSError as error:
        raise DataError(f"{path}: cannot be kept there: {error.strerror or error}") from error
    reasons = "; ".join(failures) or "there are no mirrors"
    remedy = "add a mirror or a folder to archives.mirrors, put the file there yourself, or set "
    if known and not sha256:
        remedy = f"delete {path}.sha256 to accept another file than the first one; {remedy}"
    raise DataError(f"{path}: cannot be fetched: {reasons}; {remedy}source: generate")


def _without_password(address: str) -> str:
    return printable(re.sub(r"(?<=://)[^/@]*@", "", address))


def _transfer(address: str, part: Path, max_bytes: int) -> None:
    """Download or copy a file to `part`; `RefusedError` where the address does not have it."""
    if address.startswith(("https://", "http://")):
        download(address, part, max_bytes=max_bytes)
        return
    if "://" in address and not address.startswith("file:///"):
        raise RefusedError("not an https://, http:// or file:/// address or a folder")
    local = url2pathname(urlsplit(address).path) if "://" in address else address
    try:
        source = Path(local).expanduser()
    except RuntimeError as error:
        raise RefusedError("there is no such user") from error
    if not source.is_file():
        raise RefusedError("there is no such file there")
    discard(part)
    try:
        shutil.copyfile(source, part)
    except PermissionError as error:
        raise RefusedError(f"cannot be copied: {error}") from error


def _check(part: Path, expected: str | None, verify: Callable[[Path], None]) -> str:
    """Check digest and content of a whole file and sync it to the disk; return the SHA-256."""
    found = file_sha256(part)
    try:
        if expected not in (None, found):
            raise RefusedError(f"its SHA-256 is {found}, but must be {expected}")
        verify(part)
    except (DataError, RefusedError) as error:
        discard(part)
        raise RefusedError(printable(str(error)).replace(f"{part}: ", "")) from error
    with part.open("rb") as file:
        os.fsync(file.fileno())
    return found
