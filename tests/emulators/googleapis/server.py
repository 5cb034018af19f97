"""An HTTP server on 127.0.0.1, over TLS or not."""

import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BLOCK = 1 << 16
# These hold between two neighbours only. TensorFlow's Transfer-Encoding does not even hold there.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "expect", "te"}


class Handler(BaseHTTPRequestHandler):
    """Answers one connection; `self.owner` is what the server was made with."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "HttpServer"

    @property
    def owner(self) -> Any:
        return self.server.owner

    @property
    def own_url(self) -> str:
        """The address by which the client called this server."""
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        return f"{scheme}://{self.headers['Host']}"

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError):  # the client hung up
            self.close_connection = True

    def read_content(self) -> bytes:
        """The body of the request, whole."""
        return b"".join(self.read_blocks())

    def read_blocks(self) -> Iterator[bytes]:
        """The body of the request, in parts that fit in memory."""
        # TensorFlow sends both headers; then the body is in chunks, whatever the length says.
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield from self._read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self._read_line().split(b";")[0], 16):
            yield from self._read(size)
            self._read_line()
        while self._read_line():  # trailers
            pass

    def _read_line(self) -> bytes:
        line = self.rfile.readline()
        if not line:
            raise ConnectionError("The client hung up")
        return line.strip()

    def _read(self, size: int) -> Iterator[bytes]:
        while size:
            block = self.rfile.read(min(size, BLOCK))
            if not block:
                raise ConnectionError("The client hung up")
            size -= len(block)
            yield block

    def answer(self, status: int, content: bytes) -> None:
        """Answers with JSON."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *message: object) -> None:
        pass


class HttpServer(ThreadingHTTPServer):
    """Listens on a free port from the start, and answers from `start` to `close`.

    Args:
        handler: What answers.
        owner: What the handlers see as `self.owner`.
        context: The settings of TLS; without them it speaks plain HTTP.
    """

    request_queue_size = 128  # with the default of 5 some clients would wait

    def __init__(
        self, handler: type[Handler], owner: Any, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.owner = owner
        self.address: tuple[str, int] = ("127.0.0.1", self.server_address[1])
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.address[1]}"
        self._context = context

    def finish_request(self, request: socket.socket, client_address: Any) -> None:
        # The handshake is made in the connection's own thread: a slow one holds nobody up.
        if self._context is not None:
            try:
                request = self._context.wrap_socket(request, server_side=True)
            except OSError:  # a client that hung up, or does not trust us
                return
        super().finish_request(request, client_address)

    def start(self) -> None:
        """Begins to answer."""
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Answers no more."""
        self.shutdown()
        self.server_close()
