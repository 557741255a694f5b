"""A server on this machine that answers for files of data sets as the Hugging Face Hub does."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

LONGEST_SECONDS = 60
REPOSITORY = "someone/some-models"
REVISION = "0123456789abcdef0123456789abcdef01234567"
LATER = "89abcdef0123456789abcdef0123456789abcdef"


@dataclass
class Hub:
    """Data sets by name, commit and path.

    Attributes:
        files: (repository, commit, path) -> content.
        linked: whether files are large: their ETag is the SHA-256, and another host has them.
        faults: used up, one for each GET of content: a status, or "drop" (the connection closes
            after half of the body).
        commit: that answers claim to be of; None for the one asked for.
        etag: of every file; None for the right one.
        address: base address, HF_ENDPOINT.
        asked: method, path and Range header of each request.
    """

    files: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    linked: bool = True
    faults: list[int | str] = field(default_factory=list)
    commit: str | None = None
    etag: str | None = None
    address: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def contents(self) -> list[str]:
        """Range headers of the requests for content."""
        return [wanted for method, _, wanted in self.asked if method == "GET"]


@contextmanager
def serve_hub(hub: Hub) -> Iterator[Hub]:
    """Serve data sets until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, *, body):
            path = unquote(self.path)
            hub.asked.append((self.command, path, self.headers.get("Range", "")))
            if path.startswith("/stored/"):
                self.send_content(next(one for one in hub.files.values() if digest(one) in path))
                return
            match = re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path)
            key = match.groups() if match else ("", "", "")
            known = {"Repo": 1, "Revision": 2, "Entry": 3}
            for kind, length in known.items():
                if not any(one[:length] == key[:length] for one in hub.files):
                    self.send_head(404, {"X-Error-Code": f"{kind}NotFound", "Content-Length": "0"})
                    return
            content = hub.files[key]
            commit = {"X-Repo-Commit": hub.commit or key[1]}
            if hub.linked:
                port = server.server_address[1]
                place = f"http://localhost:{port}/stored/{digest(content)}"  # another host's name
                etag, size = hub.etag or digest(content), str(len(content))
                linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": size}
                self.send_head(302, {**commit, **linked, "Location": place, "Content-Length": "0"})
            else:
                self.send_content(content, commit | {"ETag": f'"{hub.etag or "1" * 40}"'})

        def send_content(self, content, headers=None):
            with_body = self.command == "GET"
            fault = hub.faults.pop(0) if with_body and hub.faults else ""
            if isinstance(fault, int):
                self.send_head(fault, {"Content-Length": "0"})
                return
            start = int(re.sub(r"\D", "", self.headers.get("Range", "")) or 0)
            rest = content[start:]
            found = {"Content-Length": str(len(rest)), **(headers or {})}
            if start:
                found["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.send_head(206 if start else 200, found)
            if with_body:
                self.wfile.write(rest[: len(rest) // 2] if fault else rest)
                self.close_connection |= bool(fault)

        def send_head(self, status, headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join(LONGEST_SECONDS)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
