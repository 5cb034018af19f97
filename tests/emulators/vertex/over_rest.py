"""The services over HTTP with JSON, as their google.api.http rules say."""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from google.protobuf import json_format
from google.protobuf.message import Message

from ..googleapis import Handler, HttpServer
from .dispatch import dispatch
from .errors import Refusal, invalid
from .faults import AnswerLost
from .methods import METHODS, Method

if TYPE_CHECKING:
    from .emulator import VertexEmulator


def _put(fields: dict, path: str, value: object) -> None:
    *parents, name = path.split(".")
    for parent in parents:
        fields = fields.setdefault(parent, {})
    fields[name] = value


def _find(verb: str, path: str) -> tuple[Method, str]:
    # google-cloud-aiplatform asks for its operations under this name of the version.
    path = re.sub(r"^/ui/", "/v1/", path)
    for method in METHODS:
        if resource := method.match(verb, path):
            return method, resource
    raise Refusal("NOT_FOUND", f"The requested URL {path} was not found on this server.")


def read_request(method: Method, resource: str, query: dict[str, str], content: bytes) -> Message:
    """Makes the request that path, query and body are together.

    Raises:
        Refusal: INVALID_ARGUMENT when they do not make one.
    """
    fields: dict = {}
    for name, value in query.items():
        if not name.startswith("$"):  # these are about the answer
            _put(fields, name, value)
    if method.body:
        try:
            body = json.loads(content or b"{}")
        except ValueError as error:
            raise invalid(f"Invalid JSON payload received. {error}") from None
        fields = {**fields, **body} if method.body == "*" else {**fields, method.body: body}
    _put(fields, method.resource_field, resource)
    request = method.request()
    try:
        json_format.ParseDict(fields, request)
    except json_format.ParseError as error:
        raise invalid(f"Invalid JSON payload received. {error}") from None
    return request


class RestHandler(Handler):
    """Answers what the services do.

    Attributes:
        transport: What the journal calls it.
    """

    owner: "VertexEmulator"
    transport = "rest"

    def find(self, verb: str, path: str) -> tuple[Method, str]:
        """The method that is called, and the resource that it is called on.

        Raises:
            Refusal: NOT_FOUND.
        """
        return _find(verb, path)

    def _serve(self) -> None:
        content = self.read_content()
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        try:
            method, resource = self.find(self.command, unquote(url.path))
            request = read_request(method, resource, query, content)
            authorization = self.headers.get("Authorization", "")
            answer = dispatch(self.owner, method, request, authorization, self.transport)
        except Refusal as refusal:
            error = json_format.MessageToDict(refusal.status())
            error.update(code=refusal.http_status, status=refusal.code)
            self.answer(refusal.http_status, json.dumps({"error": error}).encode())
            return
        except AnswerLost:
            self.close_connection = True
            return
        enums_as_integers = "enum-encoding=int" in query.get("$alt", "")
        text = json_format.MessageToJson(answer, use_integers_for_enums=enums_as_integers)
        self.answer(200, text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = _serve


def rest_server(vertex: "VertexEmulator") -> HttpServer:
    """A server at whose `url` clients of api_transport="rest" find the services."""
    return HttpServer(RestHandler, vertex)
