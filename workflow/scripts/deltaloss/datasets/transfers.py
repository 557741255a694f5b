"""One file over HTTP into a partial file, going on where an earlier transfer broke.

requests, not pooch: pooch cannot resume, and fetches a file that has changed again without a word.

Beside the partial file lies what is needed to go on with it: where it comes from, the validator of
If-Range (RFC 9110, 13.1.5) and the size of the whole. A server without ranges sends all again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
import urllib3

from deltaloss.files import write_json

Report = Callable[[str], None]
"""Takes one line for the user, for instance `logger.info`."""

_CHUNK = 1 << 18
_LONGEST_WAIT = 60.0  # seconds
_TRY_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)


class RefusedError(Exception):
    """A mirror does not give the file; the text is the reason."""


class _BrokenError(Exception):
    """A transfer that may go on when tried again."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How much a mirror is put up with.

    Attributes:
        connect_seconds: for a connection to be made.
        read_seconds: without a single byte.
        attempts: in a row that bring nothing new.
        backoff_seconds: before the second attempt; doubled before each further one.
        line_seconds: between two lines of progress.
        max_bytes: largest file taken.
    """

    connect_seconds: float = 15.0
    read_seconds: float = 30.0
    attempts: int = 5
    backoff_seconds: float = 1.0
    line_seconds: float = 5.0
    max_bytes: int = 16 << 30


def transfer(address: str, part: Path, *, report: Report, patience: Patience) -> bool:
    """Fetch all of an http(s) address into `part`, going on with what is there of it.

    Returns:
        Whether the file was put together from more than one transfer.

    Raises:
        RefusedError: the server does not give the file, or not all of it.
        OSError: `part` cannot be written; what is there of it stays.
    """
    job = _Transfer(address, part, report, patience)
    farthest, failures = job.size(), 0
    while not job.is_whole():
        try:
            job.go_on()
        except _BrokenError as error:
            reached = job.size()
            failures = 1 if reached > farthest else failures + 1
            farthest = max(farthest, reached)
            if failures >= patience.attempts:
                raise RefusedError(f"{error} ({failures} attempts)") from error
            wait = min(patience.backoff_seconds * 2 ** (failures - 1), _LONGEST_WAIT)
            report(f"{error}; next attempt in {wait:.0f} s")
            time.sleep(wait)
        else:
            break
    return job.resumed


def discard(part: Path) -> None:
    """Remove a partial file and what is known of it."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


class Meter:
    """Tells how far a transfer is, a line every few seconds."""

    def __init__(self, start: int, total: int | None, report: Report, seconds: float) -> None:
        self._start, self._total = start, total
        self._report, self._seconds = report, seconds
        self._began = self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        """Report `done` bytes, if a line is due."""
        now = time.monotonic()
        if now - self._last < self._seconds:
            return
        self._last = now
        rate = max(done - self._start, 1) / (now - self._began)
        line = f"{done / 1e6:.1f} MB, {rate / 1e6:.2f} MB/s"
        if self._total is not None:
            left = (self._total - done) / rate
            line = f"{done / 1e6:.1f} of {self._total / 1e6:.1f} MB, "
            line += f"{rate / 1e6:.2f} MB/s, {left:.0f} s left"
        self._report(line)


class _Transfer:
    """The attempts to get one address into one partial file."""

    def __init__(self, address: str, part: Path, report: Report, patience: Patience) -> None:
        self.resumed = False
        self._address, self._part = address, part
        self._report, self._patience = report, patience

    def size(self) -> int:
        """Give the number of bytes there are."""
        return self._part.stat().st_size if self._part.exists() else 0

    def is_whole(self) -> bool:
        """Say whether an earlier job was stopped after the last byte."""
        whole = self.size() > 0 and self.size() == self._known().get("total")
        self.resumed |= whole
        return whole

    def go_on(self) -> None:
        """Ask for what is missing and append it. Errors: `_BrokenError`, `RefusedError`."""
        start = self.size()
        headers = {"Accept-Encoding": "identity"}  # the archive's own gzip must stay
        if start:
            headers["Range"] = f"bytes={start}-"
            known = self._known()
            if known.get("address") == self._address and known.get("validator"):
                headers["If-Range"] = known["validator"]
        timeout = (self._patience.connect_seconds, self._patience.read_seconds)
        try:
            with requests.get(
                self._address, headers=headers, stream=True, timeout=timeout
            ) as response:
                start, total = self._accept(response, start)
                self._receive(response.raw, start, total)
        except _NETWORK_ERRORS as error:
            if isinstance(error, (ValueError, requests.TooManyRedirects)):
                raise RefusedError(_reason(error)) from error
            raise _BrokenError(_reason(error)) from error

    def _accept(self, response: requests.Response, start: int) -> tuple[int, int | None]:
        """Give the place of the first byte to come, and the size of the whole if it is known."""
        status = response.status_code
        if start and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            discard(self._part)
            raise _BrokenError(f"the server has nothing after byte {start:,}")
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            answer = f"the server answers {status} {response.reason}"
            again = status in _TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            raise _BrokenError(answer) if again else RefusedError(answer)
        kind = response.headers.get("Content-Type", "")
        if "html" in kind.lower():
            raise RefusedError(f"the server gives a web page ({kind}), not an archive")
        if status == HTTPStatus.PARTIAL_CONTENT:
            total: int | None = self._check_rest(response, start)
        else:
            start, total = 0, _length(response)
            self._note(response, total)
        if total is not None and total > self._patience.max_bytes:
            raise RefusedError(
                f"the file has {total:,} bytes, allowed are {self._patience.max_bytes:,}"
            )
        return start, total

    def _check_rest(self, response: requests.Response, start: int) -> int:
        """Give the size of the whole; a rest that does not fit what is there is not taken."""
        given = response.headers.get("Content-Range", "")
        match = _RANGE.fullmatch(given)
        known = self._known().get("total")
        if match and int(match[1]) == start and known in (None, int(match[2])):
            self.resumed |= start > 0
            return int(match[2])
        discard(self._part)
        raise _BrokenError(
            f"asked for bytes from {start:,} of {known or 'all'}, the server gives '{given}'"
        )

    def _receive(self, raw: Any, start: int, total: int | None) -> None:
        """Append the bytes as they come, so that a break loses none."""
        done, meter = start, Meter(start, total, self._report, self._patience.line_seconds)
        try:
            with self._part.open("ab" if start else "wb") as handle:
                while chunk := raw.read1(_CHUNK, decode_content=False):
                    handle.write(chunk)
                    done += len(chunk)
                    if done > self._patience.max_bytes:
                        allowed = f"allowed are {self._patience.max_bytes:,}"
                        raise RefusedError(f"more bytes come than {allowed}")
                    meter(done)
        except _NETWORK_ERRORS as error:
            of_all = "" if total is None else f" of {total:,}"
            raise _BrokenError(
                f"the connection broke after {done:,}{of_all} bytes: {_reason(error)}"
            ) from error
        if total is not None and done != total:
            raise _BrokenError(f"the server announced {total:,} bytes and sent {done:,}")

    def _note(self, response: requests.Response, total: int | None) -> None:
        """Keep what a later attempt needs to go on; a weak ETag does not serve for that."""
        etag = response.headers.get("ETag", "")
        validator = etag if etag.startswith('"') else response.headers.get("Last-Modified")
        self._part.unlink(missing_ok=True)
        write_json(
            _notes(self._part), {"address": self._address, "validator": validator, "total": total}
        )

    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads(_notes(self._part).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _length(response: requests.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdecimal() else None


def _reason(error: Exception) -> str:
    """Say in a few words what went wrong, without the layers of the libraries around it."""
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return "the server does not answer in time"
    root: BaseException = error
    while inner := root.__cause__ or root.__context__:
        root = inner
    text = getattr(root, "strerror", None) or str(root) or type(root).__name__
    return " ".join(str(text).split())
