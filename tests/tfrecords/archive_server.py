"""A server on 127.0.0.1 that speaks Range and breaks off midway, and archives for it."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import re
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def pack(**files: bytes) -> bytes:
    """A .tar.gz of files, in whose names __ stands for /."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclasses.dataclass
class Server:
    """What the server serves, how it is to misbehave, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    breaks: int = 0  # how many answers end after half of what they announce
    refusals: list[tuple[int, dict[str, str]]] = dataclasses.field(default_factory=list)
    ignores_range: bool = False
    asked: list[tuple[str, str | None]] = dataclasses.field(default_factory=list)


@contextlib.contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Server]:
    """Serves files by their names until the end of the block."""
    state = Server(files=dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, wanted = self.path.rpartition("/")[2], self.headers["Range"]
            state.asked.append((name, wanted))
            if state.refusals:
                status, headers = state.refusals.pop(0)
                return self.answer(status, headers, b"")
            if name not in state.files:
                return self.answer(404, {}, b"")
            data = state.files[name]
            match = None if state.ignores_range else re.match(r"bytes=(\d+)-", wanted or "")
            if match is None:
                return self.answer(200, {}, data)
            start, size = int(match[1]), len(data)
            if start >= size:
                return self.answer(416, {"Content-Range": f"bytes */{size}"}, b"")
            span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"}
            return self.answer(206, span, data[start:])

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body and state.breaks:
                state.breaks -= 1
                body = body[: len(body) // 2]
                self.close_connection = True
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        state.url = f"http://127.0.0.1:{http.server_port}/files/"
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield state
        http.shutdown()
