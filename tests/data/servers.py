"""An HTTP server on this machine that behaves as badly as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LONGEST_SECONDS = 60  # of any wait


@dataclass
class Served:
    """A server's address, and its requests and answers: one entry for each request.

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
    endless: bool = False  # the body is sent again and again
    content_range: Callable[[int, int], str] = "bytes {}-{}".format
    reason: str | None = None  # beside a status that is a fault


@contextmanager
def serve(answers: Answers) -> Iterator[Served]:
    """Serve one file under every path until the block ends."""
    served = Served(address="")
    closing = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            wanted = self.headers.get("Range", "")
            served.ranges.append(wanted)
            served.validators.append(self.headers.get("If-Range", ""))
            self.place = len(served.sent)  # another request may come before this one ends
            served.sent.append(0)
            self.close_connection = True
            fault = answers.faults.pop(0) if answers.faults else ""
            if isinstance(fault, int):
                self.send_status(fault)
                return
            if fault == "mute":
                closing.wait(LONGEST_SECONDS)
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
                closing.wait(LONGEST_SECONDS)

        def send_status(self, status):
            self.send_response(status, answers.reason)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

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
            elif not answers.endless and "Content-Length" not in answers.headers:
                self.send_header("Content-Length", str(size - start))
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def send_body(self, body):
            try:
                while answers.endless and not closing.is_set():
                    self.wfile.write(body)
                    served.sent[self.place] += len(body)
                served.sent[self.place] = len(body)
                if answers.chunked:
                    self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
                else:
                    self.wfile.write(body)
            except OSError:  # the client has hung up
                pass

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            closing.set()
            server.shutdown()
            thread.join(LONGEST_SECONDS)
