"""What the service checks in the container that serves a model."""

import re

from google.protobuf.message import Message

from .errors import invalid

_PULLED = re.compile(r"([a-z0-9-]+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io)/[^\s]+")
_C_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_container(spec: Message) -> None:
    """Refuses a container that the service would refuse.

    Args:
        spec: A google.cloud.aiplatform.v1.ModelContainerSpec.

    Raises:
        Refusal: INVALID_ARGUMENT, with what is wrong.
    """
    if not spec.image_uri:
        raise invalid("Invalid model: container_spec.image_uri is required.")
    if not _PULLED.fullmatch(spec.image_uri):
        raise invalid(
            f"Invalid container_spec.image_uri: found '{spec.image_uri}', expected an image in "
            "Artifact Registry."
        )
    for field in ("predict_route", "health_route"):
        route = getattr(spec, field)
        if route and not route.startswith("/"):
            raise invalid(f"Invalid container_spec.{field}: found '{route}', expected a path.")
    if spec.predict_route and spec.invoke_route_prefix:
        raise invalid(
            "Invalid container_spec: only one of predict_route and invoke_route_prefix can be set."
        )
    for port in spec.ports:
        if not 1 <= port.container_port <= 65535:
            raise invalid(
                f"Invalid container_spec.ports: found {port.container_port}, expected 1 to 65535."
            )
    for variable in spec.env:
        if not _C_IDENTIFIER.fullmatch(variable.name):
            raise invalid(
                f"Invalid container_spec.env: found '{variable.name}', expected a C identifier."
            )
