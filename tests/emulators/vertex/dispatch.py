"""What happens to every request, whatever the method and the transport."""

from typing import TYPE_CHECKING

from google.protobuf.message import Message

from ..googleapis import InvalidToken
from .errors import Refusal
from .faults import Request
from .methods import Method

if TYPE_CHECKING:
    from .emulator import VertexEmulator


def _authenticate(vertex: "VertexEmulator", authorization: str, method: Method, on: str) -> None:
    kind, _, token = authorization.partition(" ")
    try:
        if kind != "Bearer":
            raise InvalidToken("there is no access token")
        account = vertex.accounts.identify(token)
    except InvalidToken as error:
        raise Refusal(
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
            f"cookie or other valid authentication credential: {error}.",
        ) from None
    if not account.permitted:
        raise _denied(method, on, f"{account.email} lacks a role that holds it")


def _denied(method: Method, resource: str, why: str) -> Refusal:
    return Refusal(
        "PERMISSION_DENIED",
        f"Permission for '{method.name}' denied on resource "
        f"'//aiplatform.googleapis.com/{resource}' (or it may not exist): {why}.",
    )


def dispatch(
    vertex: "VertexEmulator", method: Method, request: Message, authorization: str, transport: str
) -> Message:
    """Does what a request asks for, if its sender may.

    Args:
        vertex: What it is asked of.
        method: The method that is called.
        request: Its request.
        authorization: The Authorization header.
        transport: See `Request`.

    Raises:
        Refusal: When the service refuses.
        AnswerLost: When the request is done, but its sender is not to know.
    """
    noted = Request(method.name, "", transport)
    fault = vertex.journal.note(noted)
    try:
        noted.project, region = method.scope(request)
        resource = f"projects/{noted.project}" + (f"/locations/{region}" if region else "")
        _authenticate(vertex, authorization, method, resource)
        if fault is not None:
            fault.strike_before()
        if noted.project not in (vertex.project, vertex.project_number):
            raise _denied(method, resource, "the project is unknown")
        if region and region != vertex.region:
            raise Refusal("NOT_FOUND", f"The location {resource} is not found.")
        answer = method.behaviour(vertex, request)
    except Refusal as refusal:
        noted.status = refusal.code
        raise
    except Exception as error:
        noted.status = "INTERNAL"
        raise Refusal("INTERNAL", f"The emulator failed: {error!r}") from error
    noted.status = "OK"
    if fault is not None:
        fault.strike_after()
    return answer
