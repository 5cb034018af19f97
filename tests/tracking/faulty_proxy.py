"""A TCP proxy in front of a server, which fails as servers and networks do."""

import contextlib
import socket
import threading
from typing import Literal, Self

Mode = Literal["pass", "fail", "hang", "refuse"]
_FAILURE = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfull"
)


class FaultyProxy:
    """Passes connections on, or answers 500, never answers, or refuses them, as it is told.

    Args:
        port: of the server, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._mode: Mode = "pass"
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.port = self._listening.getsockname()[1]
        self.requests = 0  # connections that came

    @property
    def address(self) -> str:
        """What a client is given as the server's address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._listening.close()
        self._cut()

    def turn(self, mode: Mode) -> None:
        """Begins to do otherwise, also with the connections that are open."""
        self._mode = mode
        self._cut()

    def _cut(self) -> None:
        for one in list(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                self.requests += 1
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.add(client)
        with client, contextlib.suppress(OSError):
            if self._mode == "fail":
                client.recv(65536)
                client.sendall(_FAILURE)
            elif self._mode == "hang":
                while client.recv(65536):
                    pass
            elif self._mode == "pass":
                with socket.create_connection(("127.0.0.1", self._server)) as server:
                    self._open.add(server)
                    back = threading.Thread(target=_copy, args=[server, client], daemon=True)
                    back.start()
                    _copy(client, server)
                    back.join()
                    self._open.discard(server)
        self._open.discard(client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
