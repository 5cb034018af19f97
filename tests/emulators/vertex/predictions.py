"""PredictionService: what is deployed at an endpoint answers, each model in its container."""

import random
from functools import partial
from typing import TYPE_CHECKING

import requests
from google.cloud.aiplatform_v1 import types
from google.protobuf import json_format
from google.protobuf.message import Message

from .deployments import find_deployed
from .errors import HTTP_STATUS, Refusal, invalid
from .methods import AIPLATFORM, METHODS
from .models import find_version

if TYPE_CHECKING:
    from .emulator import VertexEmulator

SHARED_BYTES = 1_572_864  # of a request to an endpoint that has no host of its own
SERVICE = f"{AIPLATFORM}.PredictionService"

_register = partial(METHODS.add, SERVICE)


@_register(
    "POST",
    "/v1/{endpoint=projects/*/locations/*/endpoints/*}:predict",
    types.PredictRequest,
    body="*",
)
def predict(vertex: "VertexEmulator", request) -> Message:
    endpoint = vertex.store.find(vertex.canonical(request.endpoint))
    if endpoint.dedicated_endpoint_enabled:
        raise Refusal(
            "FAILED_PRECONDITION",
            "Dedicated Endpoint cannot be accessed through the shared Vertex AI domain: its own is "
            f"'{endpoint.dedicated_endpoint_dns}'.",
        )
    if request.ByteSize() > SHARED_BYTES:
        raise invalid(f"Request payload size exceeds the limit: {SHARED_BYTES} bytes.")
    return answer(vertex, endpoint, request)


def answer(vertex: "VertexEmulator", endpoint: Message, request: Message) -> Message:
    """Has one of an endpoint's models answer, by their shares of the traffic.

    Args:
        vertex: Knows where the containers are.
        endpoint: A google.cloud.aiplatform.v1.Endpoint.
        request: A PredictRequest.

    Returns:
        A PredictResponse.

    Raises:
        Refusal: FAILED_PRECONDITION when nothing is deployed, UNAVAILABLE when the model has no
            container, or what the container says.
    """
    split = endpoint.traffic_split
    if not split:
        raise Refusal("FAILED_PRECONDITION", f"{endpoint.name} doesn't have traffic_split.")
    [chosen] = random.choices(list(split), weights=list(split.values()))
    deployed = find_deployed(endpoint, chosen)
    version = find_version(vertex, f"{deployed.model}@{deployed.model_version_id}")
    url = vertex.containers.get(version.artifact_uri)
    if url is None:
        raise Refusal("UNAVAILABLE", "no healthy upstream")
    endpoint_id = endpoint.name.rpartition("/")[2]
    route = f"/v1/endpoints/{endpoint_id}/deployedModels/{chosen}:predict"
    body = {"instances": [json_format.MessageToDict(one) for one in request.instances]}
    said = requests.post(url + (version.container_spec.predict_route or route), json=body)
    if not said.ok:
        codes = (code for code, status in HTTP_STATUS.items() if status == said.status_code)
        raise Refusal(next(codes, "INTERNAL"), said.text)
    response = types.PredictResponse.pb()(
        deployed_model_id=chosen, model=deployed.model, model_version_id=version.version_id
    )
    json_format.ParseDict({"predictions": said.json()["predictions"]}, response)
    return response
