"""A CONNECT proxy through which the hosts of Google are found on this machine."""

import contextlib
import fnmatch
import select
import socket
import socketserver
import threading

BLOCK = 1 << 16
HEAD_LIMIT = 1 << 16


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            # One byte at a time: what follows the head belongs to the joined connection.
            byte = self.request.recv(1)
            if not byte or len(head) > HEAD_LIMIT:
                return
            head += byte
        method, target, *_ = head.decode("latin-1").split()
        host, _, port = target.rpartition(":")
        address = self.server.find(host, port) if method == "CONNECT" else None
        if address is None:
            self._refuse(b"403 Forbidden")
            return
        try:
            upstream = socket.create_connection(address)
        except OSError:
            self._refuse(b"502 Bad Gateway")
            return
        with upstream:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            joined = (address, self.request, upstream)
            self.server.joined.add(joined)
            with contextlib.suppress(OSError):  # either end may hang up
                self._join(upstream)
            self.server.joined.discard(joined)

    def _refuse(self, status: bytes) -> None:
        head = b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.request.sendall(head)

    def _join(self, upstream: socket.socket) -> None:
        other = {self.request: upstream, upstream: self.request}
        for side in other:
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reading = list(other)
        while reading:
            for side in select.select(reading, [], [])[0]:
                block = side.recv(BLOCK)
                if block:
                    other[side].sendall(block)
                else:
                    reading.remove(side)
                    other[side].shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.routes: list[tuple[str, tuple[str, int]]] = []
        self.lets_through = False
        self.asked: list[str] = []
        self.joined: set[tuple[tuple[str, int], socket.socket, socket.socket]] = set()

    def find(self, host: str, port: str) -> tuple[str, int] | None:
        self.asked.append(host)
        for pattern, address in self.routes:
            if fnmatch.fnmatchcase(host, pattern):
                return address
        return (host, int(port)) if self.lets_through else None


class ConnectProxy:
    """Joins connections to hosts with servers on 127.0.0.1, and refuses all others."""

    def __init__(self) -> None:
        self._server = _Server()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    def __enter__(self) -> "ConnectProxy":
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def route(self, pattern: str, address: tuple[str, int]) -> None:
        """Sends hosts that match a pattern to an address; earlier routes come first."""
        self._server.routes.append((pattern, address))

    def let_through(self) -> None:
        """Joins connections to other hosts as well, with these hosts themselves."""
        self._server.lets_through = True

    def close_route(self, address: tuple[str, int]) -> None:
        """Sends nobody to an address any more, and cuts who is there."""
        self._server.routes = [route for route in self._server.routes if route[1] != address]
        self.cut(address)

    def cut(self, address: tuple[str, int]) -> None:
        """Cuts the connections to an address, as a failing network would."""
        for joined_to, *sides in list(self._server.joined):
            if joined_to == address:
                for side in sides:
                    with contextlib.suppress(OSError):  # it may have ended by itself
                        side.shutdown(socket.SHUT_RDWR)

    @property
    def asked(self) -> list[str]:
        """The hosts that were asked for, in the order of arrival."""
        return self._server.asked

    @property
    def environment(self) -> dict[str, str]:
        """What makes curl, requests and gRPC use this proxy."""
        here = "127.0.0.1,localhost"
        return {
            "https_proxy": self.url,
            "HTTPS_PROXY": self.url,
            "no_proxy": here,
            "NO_PROXY": here,
        }
