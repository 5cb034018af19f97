"""What emulators that speak HTTP share: a server on a free port, a journal, faults, answers."""

import contextlib
import json
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from .faults import ConnectionGone, Fault, Journal, Kind, Request

BLOCK = 1 << 20


@dataclass
class Reply:
    """An answer: bytes, or a part of a file."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    offset: int = 0
    length: int = 0


def json_reply(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """An answer in JSON."""
    return Reply(
        status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})}
    )


@dataclass
class Sent:
    """A request as it came in.

    Args:
        method: GET, HEAD, POST, PUT or DELETE.
        target: path, as sent, and query.
        headers: by name, in any case.
        body: at its beginning.
    """

    method: str
    target: SplitResult
    headers: Message
    body: BinaryIO

    @property
    def query(self) -> dict[str, str]:
        """The last value of each name in the query."""
        values = parse_qs(self.target.query, keep_blank_values=True)
        return {key: value[-1] for key, value in values.items()}


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # clients upload from many threads; with the default of 5 some wait


class Service:
    """A service on 127.0.0.1; a class of its own says what it answers.

    Args:
        port: Where to listen; 0 takes a free port.

    Raises:
        OSError: When the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        handler = type("ServiceHandler", (_Handler,), {"service": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        # Looks every 20 ms whether it is to end.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self.journal = Journal()
        self.connections: set[socket.socket] = set()

    def answer(self, sent: Sent) -> Reply:
        """Answers a request."""
        raise NotImplementedError

    def refuse(self, fault: Fault) -> Reply:
        """Answers a request that an "answer" fault struck."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.journal.clear_faults()
        self._server.shutdown()
        self.discard()
        # Clients keep connections: without this they would go on talking to this emulator.
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # it may be closed by now
                connection.shutdown(socket.SHUT_RDWR)

    def discard(self) -> None:
        """Gives the port back."""
        self._server.server_close()

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        return self.journal.requests

    def fault(
        self,
        kind: Kind,
        *,
        at: int = 1,
        times: int = 1,
        method: str = "*",
        path: str = "*",
        when: Callable[[Request], bool] = lambda request: True,
        status: int = 503,
        headers: Mapping[str, str] | None = None,
        after_bytes: int = 0,
    ) -> Fault:
        """Lets something go wrong with the n-th of the coming requests that match.

        Args:
            kind: What goes wrong. "answer": the request is not applied and answered with
                `status` and `headers`. "close_before" and "close_after": the connection is
                closed before or after the request is applied, without an answer.
                "stall_before" and "stall_after": nothing happens before or after it is
                applied until the fault is released or the client is gone, and in the latter
                case nothing more happens at all. "cut_answer": the connection is closed
                after `after_bytes` of the answer's body.
            at: The how many-th matching request is struck, from 1.
            times: How many matching requests in a row are struck.
            method: The method of matching requests.
            path: A pattern of their path, in which `*` stands for anything.
            when: What else must hold of them.
            status: See "answer".
            headers: See "answer".
            after_bytes: See "cut_answer".

        Returns:
            The fault: its event `reached` says that it struck, `release()` ends a stall, and
            the event `ended` says that a stall is over.
        """
        fault = Fault(
            method=method,
            skip=at - 1,
            times=times,
            kind=kind,
            path=path,
            when=when,
            status=status,
            headers=dict(headers or {}),
            after_bytes=after_bytes,
        )
        self.journal.add_fault(fault)
        return fault


class _Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go out in two writes
    service: Service

    def setup(self) -> None:
        super().setup()
        self.service.connections.add(self.connection)

    def finish(self) -> None:
        self.service.connections.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        with contextlib.suppress(ConnectionGone, ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Writes nothing: `Service.requests` is the log."""

    def do_GET(self) -> None:
        # Small bodies, which may hold secrets, stay in memory.
        with tempfile.SpooledTemporaryFile(BLOCK) as body:
            self._exchange(body)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET

    def _exchange(self, body: Any) -> None:
        target = urlsplit(self.path)
        complete = self._receive(body)
        request = Request(self.command, unquote(target.path), body.tell())
        fault = self.service.journal.note(request)
        if not complete:
            raise ConnectionGone
        body.seek(0)
        if fault is not None:
            fault.strike("before", self.connection)
        if fault is not None and fault.kind == "answer":
            reply = self.service.refuse(fault)
        else:
            reply = self.service.answer(Sent(self.command, target, self.headers, body))
        if fault is not None:
            fault.strike("after", self.connection)
        request.status = reply.status
        self._send(reply, fault)

    def _receive(self, body: Any) -> bool:
        """Reads the body; returns whether all of it came."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._copy(body, int(self.headers.get("Content-Length", 0)))
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            if not self._copy(body, size):
                return False
            self.rfile.readline()
        # The last chunk is followed by trailers, none of which the client sends, and a line.
        return self.rfile.readline() == b"\r\n"

    def _copy(self, body: Any, size: int) -> bool:
        while size > 0:
            block = self.rfile.read(min(size, BLOCK))
            if not block:
                return False
            body.write(block)
            size -= len(block)
        return True

    def _send(self, reply: Reply, fault: Fault | None) -> None:
        length = reply.length if reply.file is not None else len(reply.body)
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(length), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault is not None and fault.kind == "cut_answer":
            length, self.close_connection = fault.after_bytes, True
        if reply.file is None:
            self.wfile.write(reply.body[:length])
            return
        with reply.file.open("rb") as file:
            file.seek(reply.offset)
            while length > 0 and (block := file.read(min(length, BLOCK))):
                self.wfile.write(block)
                length -= len(block)
