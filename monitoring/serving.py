"""Serves the page to people and the gauges to Prometheus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from monitoring.monitor import GAUGES, PAGE
from serving.errors import ServingError

_FILES = {
    "/": (PAGE, "text/html; charset=utf-8"),
    "/metrics": (GAUGES, "text/plain; version=0.0.4; charset=utf-8"),
}


@contextlib.contextmanager
def served(output: Path, port: int) -> Iterator[int]:
    """Serve what lies in a folder, on 127.0.0.1, in a thread.

    Args:
        output: the folder.
        port: 0 for any.

    Yields:
        The port.

    Raises:
        ServingError: it cannot be had.
    """

    class Handler(BaseHTTPRequestHandler):
        """Answers with a file as it is at this moment."""

        def do_GET(self) -> None:
            name, kind = _FILES.get(self.path, ("", ""))
            path = output / name
            if not name or not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who asked has gone
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing: Prometheus asks every few seconds."""

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as error:
        raise ServingError(
            f"Port {port} cannot be had ({error.strerror}); name another with --port."
        ) from error
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
