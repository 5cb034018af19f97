"""EndpointService: endpoints."""

import random
import re
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from .errors import Refusal, invalid
from .keys_and_networks import check_key, check_network
from .labels import check_display_name, check_labels
from .listing import page
from .methods import AIPLATFORM, METHODS

if TYPE_CHECKING:
    from .emulator import VertexEmulator

KIND = "endpoints"
SERVICE = f"{AIPLATFORM}.EndpointService"
ENDPOINT_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}|0")
# What a client may change; the deployed models have methods of their own.
CHANGEABLE = {"display_name", "description", "labels", "traffic_split"}

_register = partial(METHODS.add, SERVICE)
_ENDPOINTS = "/v1/{parent=projects/*/locations/*}/endpoints"
_ENDPOINT = "/v1/{name=projects/*/locations/*/endpoints/*}"


def _check(endpoint: Message) -> None:
    check_display_name(endpoint.display_name)
    check_labels(endpoint.labels)
    check_traffic(endpoint.traffic_split, {deployed.id for deployed in endpoint.deployed_models})


def check_traffic(split: dict[str, int], known: set[str]) -> None:
    """Refuses a division of traffic that names other models, or does not sum to 100.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if unknown := set(split) - known:
        raise invalid(
            f"Invalid traffic_split: '{min(unknown)}' is no deployed model, expected some of "
            f"{sorted(known)}."
        )
    if any(share < 0 for share in split.values()) or (split and sum(split.values()) != 100):
        raise invalid(f"Invalid traffic_split: found {dict(split)}, expected a sum of 100.")


def dedicated_domain(parent: str) -> str:
    """The domain of the hosts of a region's dedicated endpoints."""
    _, project_number, _, region = parent.split("/")
    return f"{region}-{project_number}.prediction.vertexai.goog"


def dedicated_dns(name: str) -> str:
    """The host of a dedicated endpoint, which it has once a model is deployed there."""
    parent, _, endpoint_id = name.rsplit("/", 2)
    return f"{endpoint_id}.{dedicated_domain(parent)}"


@_register("POST", _ENDPOINTS, types.CreateEndpointRequest, body="endpoint")
def create_endpoint(vertex: "VertexEmulator", request) -> Operation:
    endpoint = request.endpoint
    endpoint_id = request.endpoint_id or str(random.SystemRandom().getrandbits(62))
    if request.endpoint_id and not ENDPOINT_ID.fullmatch(endpoint_id):
        raise invalid(
            f"Invalid endpoint_id: found '{endpoint_id}', expected ^{ENDPOINT_ID.pattern}$."
        )
    del endpoint.deployed_models[:]
    endpoint.ClearField("dedicated_endpoint_dns")
    _check(endpoint)
    check_key(vertex, endpoint)
    check_network(endpoint.network)
    endpoint.name = f"{vertex.parent}/{KIND}/{endpoint_id}"
    endpoint.create_time.GetCurrentTime()
    endpoint.update_time.CopyFrom(endpoint.create_time)
    vertex.store.add(endpoint)
    return vertex.operations.add(
        vertex.parent, endpoint, types.CreateEndpointOperationMetadata.pb()()
    )


@_register("GET", _ENDPOINT, types.GetEndpointRequest)
def get_endpoint(vertex: "VertexEmulator", request) -> Message:
    return vertex.store.find(vertex.canonical(request.name))


@_register("GET", _ENDPOINTS, types.ListEndpointsRequest)
def list_endpoints(vertex: "VertexEmulator", request) -> Message:
    endpoints = vertex.store.of_kind(KIND, vertex.canonical(request.parent))
    found, token = page(endpoints, request, types.Endpoint.pb())
    return types.ListEndpointsResponse.pb()(endpoints=found, next_page_token=token)


@_register(
    "PATCH",
    "/v1/{endpoint.name=projects/*/locations/*/endpoints/*}",
    types.UpdateEndpointRequest,
    body="endpoint",
)
def update_endpoint(vertex: "VertexEmulator", request) -> Message:
    if unknown := set(request.update_mask.paths) - CHANGEABLE:
        raise invalid(f"Invalid update_mask: '{min(unknown)}' cannot be changed.")

    def update(endpoint: Message) -> None:
        for field in request.update_mask.paths:
            endpoint.ClearField(field)
        request.update_mask.MergeMessage(request.endpoint, endpoint)
        _check(endpoint)

    return vertex.store.change(vertex.canonical(request.endpoint.name), update)


@_register("DELETE", _ENDPOINT, types.DeleteEndpointRequest)
def delete_endpoint(vertex: "VertexEmulator", request) -> Operation:
    with vertex.store.lock:
        name = vertex.canonical(request.name)
        if vertex.store.find(name).deployed_models:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The Endpoint {name} has deployed models: undeploy them before it is deleted.",
            )
        vertex.store.remove(name)
    return vertex.operations.add(vertex.parent, Empty(), types.DeleteOperationMetadata.pb()())
