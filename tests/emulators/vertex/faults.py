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


class AnswerLost(Exception):
    """A request was done, but the connection ends here, without an answer."""


@dataclass
class Fault:
    """A fault that waits for its requests; see `VertexEmulator.fault` and `lose_answer`.

    Args:
        method: The method that is struck; "*" for any.
        code: What it is refused with; None when it is done and its answer is lost.
        times: How many requests are still to be struck.
        message: What the answer says.
        retry_seconds: When the answer says that one may try again.
    """

    method: str
    code: str | None
    times: int
    message: str = ""
    retry_seconds: int | None = None

    def strike_before(self) -> None:
        """Strikes before the request is done.

        Raises:
            Refusal: When the fault is one.
        """
        if self.code is not None:
            details = []
            if self.retry_seconds is not None:
                details.append(RetryInfo(retry_delay=Duration(seconds=self.retry_seconds)))
            raise Refusal(self.code, self.message, details)

    def strike_after(self) -> None:
        """Strikes once the request is done.

        Raises:
            AnswerLost: When the fault is that.
        """
        if self.code is None:
            raise AnswerLost


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
