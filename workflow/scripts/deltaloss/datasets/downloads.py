"""Archives from the internet or a folder: fetched once, kept whole, checked ever after.

In the cache folder lie, beside `NAME`: `NAME.sha256`, its digest at the first download, in the form
of sha256sum with the address above it; and `NAME.part` with its notes, when a transfer broke.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from filelock import FileLock, Timeout

from deltaloss.datasets.archives import check_gzip
from deltaloss.datasets.transfers import Meter, Patience, RefusedError, Report, discard, transfer
from deltaloss.errors import DataError
from deltaloss.files import file_sha256, write_text

MOST_UNPACKED = 64 << 30
"""Bytes up to which a new archive is unpacked to see whether it is whole."""

_CHUNK = 1 << 20
_MAGIC = {".gz": (b"\x1f\x8b", "gzip"), ".zst": (b"\x28\xb5\x2f\xfd", "zstd")}
_PATIENCE = Patience()
_RECORD = re.compile(r"(?:# from (?P<address>[^\n]*)\n)?(?P<sha256>[0-9a-f]{64})  [^\n]+\n")


@dataclass(frozen=True, kw_only=True)
class Record:
    """What was written down when an archive was fetched.

    Attributes:
        sha256: 64 hexadecimal digits.
        address: where it came from; empty when it was found in the cache folder.
    """

    sha256: str
    address: str


def fetch_archive(
    name: str,
    *,
    mirrors: Sequence[str],
    folder: Path,
    sha256: str | None,
    progress: Report,
    patience: Patience = _PATIENCE,
) -> Path:
    """Give the path of an archive in the cache folder, fetching it if it is not there.

    Args:
        name: file name of the archive, the same at every mirror.
        mirrors: base addresses (https://, http://, file://) or local folders, tried in order.
        folder: the cache folder; made if need be.
        sha256: digest the archive must have; None: the one recorded at the first download.
        progress: takes one line for the user at a time.
        patience: timeouts, attempts and limits.

    Raises:
        DataError: the archive has another digest, is broken or no archive, no mirror gives it, or
            the folder cannot be written.
    """
    if name in ("", "..") or Path(name).name != name:
        raise DataError(f"'{name}': an archive's name is a file name without folders")
    path = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f".{name}.lock", progress):
            expected = _expectation(path, sha256)
            if path.exists():
                _check_kept(path, expected)
            else:
                _fetch(path, mirrors, expected, lambda line: progress(f"{name}: {line}"), patience)
    except OSError as error:
        raise DataError(f"{path}: cannot be kept there: {error.strerror or error}") from error
    return path


def forget_archive(path: Path) -> None:
    """Remove an archive and its record: the next job fetches it anew."""
    path.unlink(missing_ok=True)
    _record_path(path).unlink(missing_ok=True)


def read_record(archive: Path) -> Record | None:
    """Give what was recorded of a fetched archive, None when nothing was.

    Raises:
        DataError: the record is damaged.
    """
    path = _record_path(archive)
    try:
        match = _RECORD.fullmatch(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: the recorded SHA-256 cannot be read; delete the file") from error
    if match is None:
        raise DataError(f"{path}: not the record of a SHA-256; delete the file")
    return Record(sha256=match["sha256"], address=match["address"] or "")


@dataclass(frozen=True, kw_only=True)
class _Expectation:
    """The digest an archive must have, and who says so."""

    sha256: str
    source: str


def _expectation(path: Path, sha256: str | None) -> _Expectation | None:
    if sha256 is not None:
        return _Expectation(sha256=sha256.lower(), source="the config gives")
    record = read_record(path)
    if record is None:
        return None
    return _Expectation(sha256=record.sha256, source=f"{path.name}.sha256 records")


def _fetch(
    path: Path,
    mirrors: Sequence[str],
    expected: _Expectation | None,
    report: Report,
    patience: Patience,
) -> None:
    """Put the archive in its place from the first mirror that gives it."""
    part = path.with_name(f"{path.name}.part")
    failures = []
    for mirror in mirrors:
        address = _without_password(mirror)
        report(f"fetching from {address}")
        try:
            digest = _fetch_from(mirror, part, path.name, expected, report, patience)
        except RefusedError as error:
            failures.append(f"{address}: {error}")
            report(f"not from {address}: {error}")
            continue
        _write_record(path, digest, address)
        part.replace(path)
        discard(part)
        report(f"{path.stat().st_size / 1e6:.1f} MB fetched, SHA-256 {digest}")
        return
    reasons = "; ".join(failures) or "there are no mirrors"
    raise DataError(f"{path}: cannot be fetched: {reasons}")


def _fetch_from(
    mirror: str,
    part: Path,
    name: str,
    expected: _Expectation | None,
    report: Report,
    patience: Patience,
) -> str:
    """Fetch from one mirror and give the SHA-256; a file made of pieces that fails is made anew."""
    for _ in range(2):
        resumed = False
        if local := _local(mirror, name):
            _copy(local, part, report, patience)
        else:
            address = f"{mirror.rstrip('/')}/{quote(name)}"
            resumed = transfer(address, part, report=report, patience=patience)
        try:
            return _check_new(part, name, expected)
        except RefusedError as error:
            discard(part)
            if not resumed:
                raise
            failure = error
            report(f"{error}; starting over")
    raise failure


def _local(mirror: str, name: str) -> Path | None:
    """Give the file of a local mirror, None for one on the net."""
    if "://" not in mirror:
        return Path(mirror).expanduser() / name
    parts = urlsplit(mirror)
    if parts.scheme in ("http", "https"):
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        raise RefusedError("not an https://, http:// or file:/// address or a folder")
    return Path(url2pathname(parts.path)) / name


def _copy(source: Path, part: Path, report: Report, patience: Patience) -> None:
    """Copy from a local mirror."""
    if not source.is_file():
        raise RefusedError("there is no such file there")
    total = source.stat().st_size
    if total > patience.max_bytes:
        raise RefusedError(f"the file has {total:,} bytes, allowed are {patience.max_bytes:,}")
    discard(part)
    meter = Meter(0, total, report, patience.line_seconds)
    with part.open("wb") as copy:
        for chunk in _chunks(source):
            copy.write(chunk)
            meter(copy.tell())


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with source.open("rb") as original:
            while chunk := original.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise RefusedError(f"cannot be read: {error.strerror}") from error


def _check_new(part: Path, name: str, expected: _Expectation | None) -> str:
    """Give the SHA-256 of a new file, synced to the disk; `RefusedError` if it is not the one."""
    if reason := _not_an_archive(part, name):
        raise RefusedError(reason)
    digest = file_sha256(part)
    if expected is None:
        _check_gzip(part, name)
    elif digest != expected.sha256:
        raise RefusedError(f"its SHA-256 is {digest}, but {expected.source} {expected.sha256}")
    with part.open("rb") as handle:
        os.fsync(handle.fileno())
    return digest


def _check_kept(path: Path, expected: _Expectation | None) -> None:
    """Check an archive that is in its place; one that was put there by hand is recorded."""
    digest = file_sha256(path)
    if expected is not None:
        if digest != expected.sha256:
            raise DataError(
                f"{path}: its SHA-256 is {digest}, but {expected.source} {expected.sha256}; "
                "delete it to fetch it again, or correct the digest"
            )
        return
    try:
        if reason := _not_an_archive(path, path.name):
            raise RefusedError(reason)
        _check_gzip(path, path.name)
    except RefusedError as error:
        raise DataError(f"{path}: {error}; delete it to fetch it again") from error
    _write_record(path, digest, "")


def _not_an_archive(path: Path, name: str) -> str:
    """Say why the first bytes are not those of a file of this name, nothing if they are."""
    magic, kind = _MAGIC.get(Path(name).suffix, (b"", ""))
    with path.open("rb") as handle:
        first = handle.read(16)
    if first.startswith(magic):
        return ""
    return f"not a {kind} file, it begins with {first!r}"


def _check_gzip(path: Path, name: str) -> None:
    """Refuse a cut or corrupt gzip file before its digest is taken for the right one."""
    if not name.endswith(".gz"):
        return
    try:
        check_gzip(path, max_bytes=MOST_UNPACKED)
    except DataError as error:
        raise RefusedError(str(error).removeprefix(f"{path}: ")) from error


def _record_path(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


def _write_record(path: Path, digest: str, address: str) -> None:
    origin = f"# from {address}\n" if address else ""
    write_text(_record_path(path), f"{origin}{digest}  {path.name}\n")


def _without_password(mirror: str) -> str:
    """Give an address as it may be shown."""
    return re.sub(r"(?<=://)[^/@]*@", "", mirror)


@contextmanager
def _lock(path: Path, progress: Report) -> Iterator[None]:
    """Let one job at a time fetch an archive."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"waiting for another job that holds {path}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
