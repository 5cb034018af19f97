"""The methods of the services, by name for gRPC and by path for REST."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TYPE_CHECKING

from google.protobuf.message import Message

from .errors import invalid

if TYPE_CHECKING:
    from .emulator import VertexEmulator

AIPLATFORM = "google.cloud.aiplatform.v1"
_VARIABLE = re.compile(r"\{([a-z_.]+)=([^}]*)\}")
_SCOPE = re.compile(r"projects/([^/]+)(?:/locations/([^/]+))?")

Behaviour = Callable[["VertexEmulator", Message], Message]


@dataclass(frozen=True)
class Method:
    """One method of a service, whatever the transport.

    Args:
        service: The full name of the service.
        name: The name of the method.
        verb: The HTTP verb.
        template: The HTTP path, with the request's field that holds the resource, such as
            /v1/{name=projects/*/locations/*/pipelineJobs/*}:cancel. Empty for a method over gRPC
            alone whose requests have the fields project_id and location.
        body: The request's field that is the HTTP body: "*" for all, "" for none.
        request: The class of its requests.
        behaviour: What it does.
    """

    service: str
    name: str
    verb: str
    template: str
    body: str
    request: type[Message]
    behaviour: Behaviour

    @cached_property
    def resource_field(self) -> str:
        """The field of the request that names the resource, such as endpoint.name."""
        return _VARIABLE.search(self.template)[1]

    @cached_property
    def _resource_pattern(self) -> str:
        return _VARIABLE.search(self.template)[2].replace("*", "[^/:]+")

    @cached_property
    def _path_pattern(self) -> re.Pattern[str]:
        before, _, _, after = _VARIABLE.split(self.template)
        return re.compile(f"{re.escape(before)}({self._resource_pattern}){re.escape(after)}")

    def match(self, verb: str, path: str) -> str | None:
        """The resource that an HTTP request names, if it is for this method."""
        found = self._path_pattern.fullmatch(path) if verb == self.verb else None
        return found and found[1]

    def scope(self, request: Message) -> tuple[str, str]:
        """The project and the region of the resource that a request names.

        Raises:
            Refusal: INVALID_ARGUMENT when it is not the name of such a resource.
        """
        if not self.template:
            return request.project_id, request.location
        resource = reduce(getattr, self.resource_field.split("."), request)
        if not re.fullmatch(self._resource_pattern, resource):
            expected = _VARIABLE.search(self.template)[2]
            raise invalid(
                f"Invalid resource name in {self.resource_field}: found '{resource}', "
                f"expected {expected}"
            )
        project, region = _SCOPE.match(resource).groups()
        return project, region or ""


class Methods:
    """Where the modules of the services register what they do."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def add(
        self, service: str, verb: str, template: str, request: type, body: str = ""
    ) -> Callable[[Behaviour], Behaviour]:
        """Registers a function as a method of the name it has, in CamelCase.

        Args:
            service: The full name of the service.
            verb: See `Method`.
            template: See `Method`.
            request: The class of its requests, of proto-plus or protobuf.
            body: See `Method`.
        """

        def register(behaviour: Behaviour) -> Behaviour:
            name = "".join(word.capitalize() for word in behaviour.__name__.split("_"))
            message = request if issubclass(request, Message) else request.pb()
            method = Method(service, name, verb, template, body, message, behaviour)
            self._methods[f"/{service}/{name}"] = method
            return behaviour

        return register

    def by_name(self, path: str) -> Method | None:
        """The method of a gRPC path, such as /package.Service/Method."""
        return self._methods.get(path)

    def __iter__(self) -> Iterator[Method]:
        return iter(self._methods.values())


METHODS = Methods()
