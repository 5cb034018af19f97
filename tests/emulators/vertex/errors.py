"""The one error of the emulator: what the service refuses, and how it says so."""

from collections.abc import Sequence

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2

# As Google's APIs map one to the other.
HTTP_STATUS = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}


class Refusal(Exception):
    """A request that the service refuses.

    Args:
        code: The name of its status code, such as INVALID_ARGUMENT.
        message: The sentence a client shows its user.
        details: What goes with it, such as a google.rpc.RetryInfo.
    """

    def __init__(self, code: str, message: str, details: Sequence[Message] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @property
    def grpc_code(self) -> grpc.StatusCode:
        return grpc.StatusCode[self.code]

    @property
    def http_status(self) -> int:
        return HTTP_STATUS[self.code]

    def status(self) -> status_pb2.Status:
        """The error as both transports carry it."""
        packed = []
        for detail in self.details:
            packed.append(Any())
            packed[-1].Pack(detail)
        return status_pb2.Status(
            code=code_pb2.Code.Value(self.code), message=self.message, details=packed
        )


def invalid(message: str) -> Refusal:
    """What a request is refused with whose content is wrong."""
    return Refusal("INVALID_ARGUMENT", message)
