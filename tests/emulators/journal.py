"""The requests that an emulator was sent, and the faults that wait for the next ones."""

import threading
from dataclasses import dataclass, field
from typing import Generic, TypeVar


@dataclass
class Request:
    """One request, as it came in.

    Args:
        method: Its method.
        number: Its place in the order of arrival, from 1; the journal gives it.
    """

    method: str
    number: int = field(init=False, default=0)


@dataclass(kw_only=True)
class Fault:
    """A fault that waits for its requests.

    Args:
        method: The method of the requests that it strikes; "*" for any.
        skip: How many matching requests pass before it strikes.
        times: How many requests are still to be struck.
    """

    method: str
    skip: int = 0
    times: int

    def matches(self, request: Request) -> bool:
        """Says whether the fault is meant for a request."""
        return self.method in ("*", request.method)


R = TypeVar("R", bound=Request)
F = TypeVar("F", bound=Fault)


class Journal(Generic[R, F]):
    """The requests so far, and the faults that wait for the next ones."""

    def __init__(self) -> None:
        self.requests: list[R] = []
        self._faults: list[F] = []
        self._lock = threading.Lock()

    def add_fault(self, fault: F) -> None:
        """Lets a fault wait for its requests."""
        with self._lock:
            self._faults.append(fault)

    def note(self, request: R) -> F | None:
        """Writes a request down and finds the fault that waited for it, if any."""
        with self._lock:
            request.number = len(self.requests) + 1
            self.requests.append(request)
            for fault in self._faults:
                if fault.times > 0 and fault.matches(request):
                    if fault.skip > 0:
                        fault.skip -= 1
                        continue
                    fault.times -= 1
                    return fault
            return None
