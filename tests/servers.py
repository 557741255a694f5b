"""HTTP servers on this machine that behave as badly as a test wants."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """A server's address, and what it was asked for and sent: one entry for each request.

    Attributes:
        address: base address.
        ranges: the Range header of each request, empty without one.
        validators: its If-Range header.
        sent: bytes of each body.
    """

    address: str
    ranges: list[str] = field(default_factory=list)
    validators: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)


@dataclass
class Answers:
    """How one file is served; `faults` are used up, one for each request.

    Faults: a status, "drop" (the connection closes after half of the body), "stall" (it goes
    silent there), "mute" (it never answers).
    """

    body: bytes
    faults: list[int | str] = field(default_factory=list)
    ranges: bool = True
    etag: str | None = '"one"'
    headers: dict[str, str] = field(default_factory=dict)
    announced: int = 0  # more bytes than there are
    chunked: bool = False
    content_range: Callable[[int, int], str] = "bytes {}-{}".format
    stall_seconds: float = 1.0


@contextmanager
def serve(answers: Answers) -> Iterator[Served]:
    served = Served(address="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            wanted = self.headers.get("Range", "")
            served.ranges.append(wanted)
            served.validators.append(self.headers.get("If-Range", ""))
            served.sent.append(0)
            self.close_connection = True
            fault = answers.faults.pop(0) if answers.faults else ""
            if isinstance(fault, int):
                self.send_response(fault)
                for name, value in answers.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.send_header("Connection", "close")
                self.end_headers()
                return
            if fault == "mute":
                time.sleep(answers.stall_seconds)
                return
            start = self.first_byte(wanted)
            if start >= len(answers.body) > 0:
                self.send_error(416)
                return
            self.send_head(start)
            rest = answers.body[start:]
            self.send_body(rest[: (len(rest) + 1) // 2] if fault else rest)
            if fault == "stall":
                self.wfile.flush()
                time.sleep(answers.stall_seconds)

        def first_byte(self, wanted):
            validator = self.headers.get("If-Range")
            if not (wanted and answers.ranges) or validator not in (None, answers.etag):
                return 0
            return int(wanted.removeprefix("bytes=").removesuffix("-"))

        def send_head(self, start):
            size = len(answers.body) + answers.announced
            self.send_response(206 if start else 200)
            if start:
                span = answers.content_range(start, size - 1)
                self.send_header("Content-Range", f"{span}/{size}")
            if answers.etag:
                self.send_header("ETag", answers.etag)
            if answers.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif "Content-Length" not in answers.headers:
                self.send_header("Content-Length", str(size - start))
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def send_body(self, body):
            served.sent[-1] = len(body)
            if answers.chunked:
                self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
            else:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
