"""Download one file over HTTP into a partial file, resuming it where a transfer broke.

Beside the partial file lies what resuming needs: its address, its size, and the validator of
If-Range (RFC 9110, 13.1.5), without which it starts over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from deltaloss.core.errors import printable
from deltaloss.core.files import write_json
from deltaloss.core.log import logger
from deltaloss.core.progress import Progress

CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0  # without a byte
ATTEMPTS = 5  # in a row that bring nothing new
BACKOFF_SECONDS = 1.0  # doubled for each further attempt

MAGIC = {".gz": (b"\x1f\x8b", "gzip"), ".zst": (b"\x28\xb5\x2f\xfd", "zstd")}

_CHUNK = 1 << 18
_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)


class RefusedError(Exception):
    """A mirror does not have the file, or not a good one; the text is the reason."""


class _BrokenError(Exception):
    """A transfer broke and can be resumed."""


def download(address: str, part: Path, *, max_bytes: int) -> None:
    """Download all of a file to `part`, which is named after it: NAME.part.

    Args:
        address: http:// or https://.
        part: partial file; what an earlier job got of this address is resumed.
        max_bytes: of the largest file accepted.

    Raises:
        RefusedError: the server does not have the file, or it is of another kind or too large; what
            arrived of a good file stays.
    """
    farthest = failures = 0
    with requests.Session() as session:
        for scheme in ("https://", "http://"):  # also of redirections
            session.mount(scheme, HTTPAdapter(max_retries=_retries()))
        while True:
            try:
                return _request(session, address, part, max_bytes)
            except _BrokenError as error:
                failures = 1 if _size(part) > farthest else failures + 1
                farthest = max(farthest, _size(part))
                if failures >= ATTEMPTS:
                    raise RefusedError(f"{error} ({failures} attempts)") from error
                logger.info("%s: %s; resuming", part.stem, error)


def discard(part: Path) -> None:
    """Remove a partial file and its notes."""
    part.unlink(missing_ok=True)
    _notes_path(part).unlink(missing_ok=True)


class _LoggedRetry(Retry):
    """Retries that are logged."""

    def sleep(self, response: urllib3.BaseHTTPResponse | None = None) -> None:
        """Log and wait."""
        trouble = f"the server answers {response.status}" if response else "no answer"
        logger.info("%s; next attempt in %.0f s", trouble, self.get_backoff_time())
        super().sleep(response)


def _retries() -> Retry:
    return _LoggedRetry(
        total=ATTEMPTS - 1,
        connect=2,
        backoff_factor=BACKOFF_SECONDS,
        backoff_max=60.0,
        status_forcelist=(408, 429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,  # which could say a year
    )


def _request(session: requests.Session, address: str, part: Path, max_bytes: int) -> None:
    """Ask once for what is missing of a file and append it to `part`."""
    notes = _read_notes(part, address)
    start = _size(part) if notes else 0
    if start and start == notes["total"]:
        return  # an earlier job was stopped after the last byte
    headers = {"Accept-Encoding": "identity"}  # the archive's own gzip must stay
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": notes["validator"]}
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    try:
        response = session.get(address, headers=headers, stream=True, timeout=timeout)
    except (*_NETWORK_ERRORS, ValueError) as error:
        raise RefusedError(_reason(error)) from error
    with response:
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            _check_range(response, part, start, notes)
            total = notes["total"]
        else:
            start, total = 0, _check_whole(response, part, max_bytes)
            _write_notes(part, response, address, total)
        _receive(response, part, start, total, max_bytes)


def _check_range(response: requests.Response, part: Path, start: int, notes: Any) -> None:
    """Check that the bytes to come are those asked for."""
    span = response.headers.get("Content-Range", "")
    if not start or not re.fullmatch(rf"bytes {start}-\d+/{notes['total']}", span):
        discard(part)
        raise _BrokenError(f"asked for bytes from {start:,} on, got '{printable(span)}'")


def _check_whole(response: requests.Response, part: Path, max_bytes: int) -> int | None:
    """Check that a whole file is to come; return its size, if known."""
    status, kind = response.status_code, response.headers.get("Content-Type", "")
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and part.exists():
        discard(part)
        raise _BrokenError("the server has no more bytes")
    if status != HTTPStatus.OK:
        raise RefusedError(f"the server answers {status} {printable(response.reason or '')}")
    if "html" in kind.lower():
        raise RefusedError(f"the server sends a web page ({printable(kind)}), not a file")
    length = response.headers.get("Content-Length", "")
    total = int(length) if length.isascii() and length.isdecimal() else None
    if total is not None and total > max_bytes:
        raise RefusedError(f"it has {total:,} bytes, allowed are {max_bytes:,}")
    return total


def _receive(
    response: requests.Response, part: Path, start: int, total: int | None, max_bytes: int
) -> None:
    """Append the body to `part`; a file of another kind is refused at its first bytes."""
    magic, kind = MAGIC.get(Path(part.stem).suffix, (b"", ""))
    first, size = magic if start else b"", start
    progress = Progress(total, unit="bytes", done=start) if total else None
    try:
        with part.open("ab" if start else "wb") as file:
            for chunk in _chunks(response):
                first, size = (first or b"") + chunk[: 16 - len(first)], size + len(chunk)
                if not first.startswith(magic[: len(first)]):
                    raise RefusedError(f"not a {kind} file, it begins with {first!r}")
                if size > max_bytes:
                    raise RefusedError(f"it has more than the {max_bytes:,} bytes allowed")
                file.write(chunk)
                if progress:
                    progress.update(size)
    except RefusedError:
        discard(part)
        raise
    finally:
        if progress:
            progress.close()
    if total is not None and size != total:
        raise _BrokenError(f"the server announced {total:,} bytes and sent {size:,}")


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it arrives, so that a break loses nothing."""
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=False):
            yield chunk
    except _NETWORK_ERRORS as error:
        raise _BrokenError(f"the connection broke: {_reason(error)}") from error


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _notes_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _write_notes(part: Path, response: requests.Response, address: str, total: int | None) -> None:
    """Note what resuming needs; a weak ETag cannot validate a range."""
    discard(part)
    etag = response.headers.get("ETag", "")
    validator = etag if etag.startswith('"') else response.headers.get("Last-Modified")
    if validator and total:
        notes = {"address": address, "validator": validator, "total": total}
        write_json(_notes_path(part), notes)


def _read_notes(part: Path, address: str) -> dict[str, Any]:
    try:
        notes = json.loads(_notes_path(part).read_text(encoding="utf-8"))
        return dict(notes) if notes["address"] == address else {}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _reason(error: BaseException) -> str:
    """Describe the innermost error in a few words."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, TimeoutError):
        return "the server does not answer in time"
    return printable(str(getattr(error, "strerror", None) or error or type(error).__name__))
