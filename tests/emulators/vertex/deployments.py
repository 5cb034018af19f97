"""EndpointService: the models that are deployed at endpoints."""

import random
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message

from .custom_job_specs import check_machine
from .endpoints import KIND, SERVICE, check_traffic, dedicated_dns
from .errors import Refusal, invalid
from .methods import METHODS
from .models import find_version

if TYPE_CHECKING:
    from .emulator import VertexEmulator

# The name in a traffic split of the model that is being deployed.
NEW = "0"

_register = partial(METHODS.add, SERVICE)
_ENDPOINT = "/v1/{endpoint=projects/*/locations/*/endpoints/*}"


def deployments_of(vertex: "VertexEmulator", version: Message) -> list[Message]:
    """Where a version of a model is deployed, as DeployedModelRefs."""
    model = version.name.partition("@")[0]
    return [
        types.DeployedModelRef.pb()(endpoint=endpoint.name, deployed_model_id=deployed.id)
        for endpoint in vertex.store.of_kind(KIND)
        for deployed in endpoint.deployed_models
        if (deployed.model, deployed.model_version_id) == (model, version.version_id)
    ]


def _check_resources(deployed: Message) -> None:
    if not deployed.HasField("dedicated_resources"):
        raise invalid("Invalid deployed_model: dedicated_resources are required.")
    resources = deployed.dedicated_resources
    check_machine("deployed_model.dedicated_resources", resources.machine_spec)
    if resources.min_replica_count < 1:
        raise invalid(
            f"Invalid min_replica_count: found {resources.min_replica_count}, expected 1 or more."
        )
    if 0 < resources.max_replica_count < resources.min_replica_count:
        raise invalid(
            f"Invalid max_replica_count: found {resources.max_replica_count}, expected "
            f"{resources.min_replica_count} or more."
        )


def _set_traffic(endpoint: Message, split: dict[str, int]) -> None:
    check_traffic(split, {deployed.id for deployed in endpoint.deployed_models})
    endpoint.traffic_split.clear()
    endpoint.traffic_split.update(split)


def find_deployed(endpoint: Message, deployed_model_id: str) -> Message:
    """A model that is deployed at an endpoint.

    Raises:
        Refusal: NOT_FOUND.
    """
    for deployed in endpoint.deployed_models:
        if deployed.id == deployed_model_id:
            return deployed
    raise Refusal(
        "NOT_FOUND", f"The Endpoint {endpoint.name} has no deployed model '{deployed_model_id}'."
    )


@_register("POST", f"{_ENDPOINT}:deployModel", types.DeployModelRequest, body="*")
def deploy_model(vertex: "VertexEmulator", request) -> Operation:
    deployed = request.deployed_model

    def deploy(endpoint: Message) -> None:
        version = find_version(vertex, deployed.model)
        deployed.model = version.name.partition("@")[0]
        deployed.model_version_id = version.version_id
        deployed.display_name = deployed.display_name or version.display_name
        deployed.id = deployed.id or str(random.SystemRandom().randrange(10**9, 10**10))
        if not (deployed.id.isdecimal() and len(deployed.id) <= 10 and deployed.id != NEW):
            raise invalid(f"Invalid deployed_model.id: found '{deployed.id}', expected digits.")
        if deployed.id in {other.id for other in endpoint.deployed_models}:
            raise Refusal("ALREADY_EXISTS", f"There is a deployed model '{deployed.id}' already.")
        deployed.create_time.GetCurrentTime()
        endpoint.deployed_models.append(deployed)
        if endpoint.dedicated_endpoint_enabled:
            endpoint.dedicated_endpoint_dns = dedicated_dns(endpoint.name)
        if request.traffic_split:
            split = dict(request.traffic_split)
            if NEW in split:
                split[deployed.id] = split.pop(NEW)
            _set_traffic(endpoint, split)

    _check_resources(deployed)
    vertex.check_acts_as(deployed.service_account)
    vertex.store.change(vertex.canonical(request.endpoint), deploy)
    return vertex.operations.add(
        vertex.parent,
        types.DeployModelResponse.pb()(deployed_model=deployed),
        types.DeployModelOperationMetadata.pb()(),
    )


@_register("POST", f"{_ENDPOINT}:undeployModel", types.UndeployModelRequest, body="*")
def undeploy_model(vertex: "VertexEmulator", request) -> Operation:
    leaving = request.deployed_model_id

    def undeploy(endpoint: Message) -> None:
        endpoint.deployed_models.remove(find_deployed(endpoint, leaving))
        if not endpoint.deployed_models:
            endpoint.traffic_split.clear()
        elif request.traffic_split:
            _set_traffic(endpoint, dict(request.traffic_split))
        elif endpoint.traffic_split.get(leaving):
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The deployed model '{leaving}' has {endpoint.traffic_split[leaving]} % of the "
                "traffic: say by traffic_split which of the others are to have it.",
            )
        else:
            endpoint.traffic_split.pop(leaving, None)

    vertex.store.change(vertex.canonical(request.endpoint), undeploy)
    return vertex.operations.add(
        vertex.parent,
        types.UndeployModelResponse.pb()(),
        types.UndeployModelOperationMetadata.pb()(),
    )


@_register("POST", f"{_ENDPOINT}:mutateDeployedModel", types.MutateDeployedModelRequest, body="*")
def mutate_deployed_model(vertex: "VertexEmulator", request) -> Operation:
    changed = types.DeployedModel.pb()()

    def mutate(endpoint: Message) -> None:
        deployed = find_deployed(endpoint, request.deployed_model.id)
        request.update_mask.MergeMessage(request.deployed_model, deployed)
        _check_resources(deployed)
        changed.CopyFrom(deployed)

    vertex.store.change(vertex.canonical(request.endpoint), mutate)
    return vertex.operations.add(
        vertex.parent,
        types.MutateDeployedModelResponse.pb()(deployed_model=changed),
        types.MutateDeployedModelOperationMetadata.pb()(),
    )
