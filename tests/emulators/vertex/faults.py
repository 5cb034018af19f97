"""What goes wrong on demand with requests to Vertex AI."""

from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo

from .. import journal
from .errors import Refusal


@dataclass
class Request(journal.Request):
    """One request; its method is one such as CreatePipelineJob.

    Args:
        project: The project that it names, by id or by number.
        transport: "grpc", "rest", or "dedicated" at an endpoint's own host.
        status: The name of the status code of the answer; None as long as there is none.
    """

    project: str
    transport: str
    status: str | None = None


class AnswerLost(Exception):
    """A request was done, but the connection ends here, without an answer."""


@dataclass(kw_only=True)
class Fault(journal.Fault):
    """A fault of the service; see `VertexEmulator.fault` and `lose_answer`.

    Args:
        code: What a request is refused with; None when it is done and its answer is lost.
        message: What the answer says.
        retry_seconds: When the answer says that one may try again.
    """

    code: str | None
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
