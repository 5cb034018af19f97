"""What goes wrong on demand with requests over HTTP."""

import fnmatch
import select
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from . import journal

Kind = Literal["answer", "close_before", "close_after", "stall_before", "stall_after", "cut_answer"]


class ConnectionGone(Exception):
    """The connection ends here, without an answer."""


@dataclass
class Request(journal.Request):
    """One request over HTTP; its method is GET, HEAD, POST, PUT, PATCH or DELETE.

    Args:
        path: The path, unquoted, without the query.
        received_bytes: The length of its body.
        status: The status of the answer; None as long as there is none.
    """

    path: str
    received_bytes: int
    status: int | None = None


@dataclass(kw_only=True)
class Fault(journal.Fault):
    """A fault of an HTTP server; its arguments are those of `HubEmulator.fault`."""

    kind: Kind
    path: str
    when: Callable[[Request], bool] = lambda request: True
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    after_bytes: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def matches(self, request: Request) -> bool:
        """Says whether the fault is meant for a request."""
        return (
            super().matches(request)
            and fnmatch.fnmatchcase(request.path, self.path)
            and self.when(request)
        )

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


class Journal(journal.Journal[Request, Fault]):
    """The requests so far, and the faults that wait for the next ones."""

    def clear_faults(self) -> None:
        """Takes back the faults that wait, and lets stalled requests go on."""
        with self._lock:
            for fault in self._faults:
                fault.release()
            self._faults.clear()
