"""What goes wrong on demand, and the list of requests that tests count."""

import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["answer", "close_before", "close_after", "stall_before", "stall_after", "cut_answer"]


class ConnectionGone(Exception):
    """The connection ends here, without an answer."""


@dataclass
class Request:
    """One request, as it came in.

    Args:
        number: Its place in the order of arrival, from 1.
        method: GET, HEAD, POST, PUT or DELETE.
        path: The path, unquoted, without the query.
        received_bytes: The length of its body.
        status: The status of the answer; None as long as there is none.
    """

    number: int
    method: str
    path: str
    received_bytes: int
    status: int | None = None


@dataclass
class Fault:
    """A fault that waits for its request; see the emulator's `fault`."""

    kind: Kind
    matches: Callable[[Request], bool]
    skip: int
    times: int
    status: int
    headers: dict[str, str]
    after_bytes: int
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Lets a stalled request go on."""
        self.released.set()

    def strike(self, moment: Literal["before", "after"], connection: socket.socket) -> None:
        """Does what the fault does at a moment: before or after the request is applied.

        Raises:
            ConnectionGone: When the request ends here.
        """
        if self.kind in ("answer", "cut_answer"):  # which the answering side does
            self.reached.set()
        elif self.kind == f"close_{moment}":
            self.reached.set()
            raise ConnectionGone
        elif self.kind == f"stall_{moment}":
            self.reached.set()
            try:
                while not self.released.wait(0.02):
                    if _is_gone(connection):
                        raise ConnectionGone
            finally:
                self.ended.set()


def _is_gone(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    if not readable:
        return False
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


class Journal:
    """The requests so far, and the faults that wait for the next ones."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add_fault(self, fault: Fault) -> None:
        """Lets a fault wait for its request."""
        with self._lock:
            self._faults.append(fault)

    def clear_faults(self) -> None:
        """Takes back the faults that wait, and lets stalled requests go on."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()

    def note(self, method: str, path: str, received_bytes: int) -> tuple[Request, Fault | None]:
        """Writes a request down and finds the fault that waited for it, if any."""
        with self._lock:
            request = Request(len(self.requests) + 1, method, path, received_bytes)
            self.requests.append(request)
            for fault in self._faults:
                if fault.times > 0 and fault.matches(request):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return request, fault
            return request, None
