"""The hosts of dedicated endpoints, which answer predictions over HTTPS."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from ..googleapis import HttpServer
from .endpoints import dedicated_domain
from .errors import Refusal
from .methods import METHODS, Method
from .over_rest import RestHandler
from .predictions import SERVICE, answer

if TYPE_CHECKING:
    from .emulator import VertexEmulator

DEDICATED_BYTES = 10 * 1024 * 1024  # of a request's body


def _predict(vertex: "VertexEmulator", request, *, host: str) -> Message:
    endpoint = vertex.store.find(vertex.canonical(request.endpoint))
    if endpoint.dedicated_endpoint_dns != host:
        raise Refusal("NOT_FOUND", f"{host} is not the host of {endpoint.name}.")
    return answer(vertex, endpoint, request)


class _Handler(RestHandler):
    transport = "dedicated"

    def find(self, verb: str, path: str) -> tuple[Method, str]:
        method = METHODS.by_name(f"/{SERVICE}/Predict")
        resource = method.match(verb, path)
        if resource is None:
            raise Refusal("NOT_FOUND", f"{path} was not found on this server.")
        return replace(method, behaviour=partial(_predict, host=self.headers["Host"])), resource

    def do_POST(self) -> None:
        if int(self.headers.get("Content-Length", 0)) > DEDICATED_BYTES:
            self.read_content()
            self.answer(413, b"Payload Too Large")
        else:
            super().do_POST()


def dedicated_server(vertex: "VertexEmulator") -> HttpServer:
    """The server of all hosts of a region's dedicated endpoints."""
    context = vertex.gcs.authority.server_context(dedicated_domain(vertex.parent))
    return HttpServer(_Handler, vertex, context)
