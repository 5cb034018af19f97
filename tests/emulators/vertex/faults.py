"""What goes wrong on demand, and the list of requests that tests count."""

import threading
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from .errors import Refusal


@dataclass
class Request:
    """One request.

    Args:
        method: Its name, such as CreatePipelineJob.
        project: The project that it names, by id or by number.
        transport: "grpc" or "rest".
        status: The name of the status code of the answer; None as long as there is none.
    """

    method: str
    project: str
    transport: str
    status: str | None = None


@dataclass
class Fault:
    """A fault that waits for its requests; see `VertexEmulator.fault`."""

    method: str
    code: str
    times: int
    message: str
    retry_seconds: int | None

    def refusal(self) -> Refusal:
        """What the struck request is answered with."""
        if self.retry_seconds is None:
            return Refusal(self.code, self.message)
        delay = Duration(seconds=self.retry_seconds)
        return Refusal(self.code, self.message, [RetryInfo(retry_delay=delay)])


class Journal:
    """The requests so far, and the faults that wait for the next ones."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add_fault(self, fault: Fault) -> None:
        """Lets a fault wait for its requests."""
        with self._lock:
            self._faults.append(fault)

    def note(self, request: Request) -> Fault | None:
        """Writes a request down and finds the fault that waited for it, if any."""
        with self._lock:
            self.requests.append(request)
            for fault in self._faults:
                if fault.times > 0 and fault.method in ("*", request.method):
                    fault.times -= 1
                    return fault
            return None
