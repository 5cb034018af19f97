"""ModelService: models and their versions."""

import random
import re
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from .container_specs import check_container
from .errors import Refusal, invalid
from .keys_and_networks import check_key
from .labels import check_display_name, check_labels
from .listing import page
from .methods import AIPLATFORM, METHODS

if TYPE_CHECKING:
    from .emulator import VertexEmulator

KIND = "models"
DEFAULT = "default"  # the alias that exactly one version of a model has
MODEL_ID = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
ALIAS = re.compile(r"[a-z][a-zA-Z0-9-]{0,126}[a-z0-9]")
BASE_PATH = "--model_base_path=$(AIP_STORAGE_URI)"

_register = partial(METHODS.add, f"{AIPLATFORM}.ModelService")
_MODELS = "/v1/{parent=projects/*/locations/*}/models"
_MODEL = "/v1/{name=projects/*/locations/*/models/*}"


# Each version is a resource of its own, named MODEL@VERSION_ID; clients see it as MODEL.


def versions_of(vertex: "VertexEmulator", model: str) -> list[Message]:
    """The versions of a model, oldest first.

    Raises:
        Refusal: NOT_FOUND when there is no such model.
    """
    found = [
        version for version in vertex.store.of_kind(KIND) if version.name.partition("@")[0] == model
    ]
    if not found:
        raise Refusal("NOT_FOUND", f"The Model {model} is not found.")
    return sorted(found, key=lambda version: int(version.version_id))


def find_version(vertex: "VertexEmulator", name: str) -> Message:
    """The version that a name means: MODEL@VERSION_ID, MODEL@ALIAS, or MODEL for the default.

    Raises:
        Refusal: NOT_FOUND when there is no such version.
    """
    model, _, wanted = vertex.canonical(name).partition("@")
    wanted = wanted or DEFAULT
    for version in versions_of(vertex, model):
        if wanted == version.version_id or wanted in version.version_aliases:
            return version
    raise Refusal("NOT_FOUND", f"The Model {model} has no version '{wanted}'.")


def _shown(vertex: "VertexEmulator", version: Message) -> Message:
    version.deployed_models.extend(vertex.deployments_of(version))
    version.name = version.name.partition("@")[0]
    return version


@_register("POST", f"{_MODELS}:upload", types.UploadModelRequest, body="*")
def upload_model(vertex: "VertexEmulator", request) -> Operation:
    version = request.model
    check_display_name(version.display_name)
    check_labels(version.labels)
    for alias in version.version_aliases:
        _check_alias(alias)
    vertex.check_acts_as(request.service_account)
    check_container(version.container_spec)
    _check_artifact(vertex, version)
    check_key(vertex, version)
    with vertex.store.lock:
        now = version.version_create_time
        now.GetCurrentTime()
        version.version_update_time.CopyFrom(now)
        if request.parent_model:
            model = vertex.canonical(request.parent_model).partition("@")[0]
            first = versions_of(vertex, model)[0]
            version.create_time.CopyFrom(first.create_time)
        else:
            model = _new_model(vertex, request.model_id)
            version.create_time.CopyFrom(now)
            if DEFAULT not in version.version_aliases:
                version.version_aliases.append(DEFAULT)
        version.update_time.CopyFrom(now)
        version.version_id = str(vertex.store.count(model))
        version.name = f"{model}@{version.version_id}"
        version.supported_deployment_resources_types[:] = [
            types.Model.DeploymentResourcesType.DEDICATED_RESOURCES
        ]
        aliases = list(version.version_aliases)
        del version.version_aliases[:]
        vertex.store.add(version)
        _move_aliases(vertex, model, version.version_id, aliases)
    return vertex.operations.add(
        vertex.parent,
        types.UploadModelResponse.pb()(model=model, model_version_id=version.version_id),
        types.UploadModelOperationMetadata.pb()(),
    )


def _new_model(vertex: "VertexEmulator", model_id: str) -> str:
    model_id = model_id or str(random.SystemRandom().getrandbits(62))
    if not model_id.isdecimal() and not MODEL_ID.fullmatch(model_id):
        raise invalid(f"Invalid model_id: found '{model_id}', expected ^{MODEL_ID.pattern}$.")
    model = f"{vertex.parent}/{KIND}/{model_id}"
    if any(other.name.startswith(f"{model}@") for other in vertex.store.of_kind(KIND)):
        raise Refusal("ALREADY_EXISTS", f"The Model {model} already exists.")
    return model


def _check_artifact(vertex: "VertexEmulator", model: Message) -> None:
    uri = model.artifact_uri.rstrip("/")
    if not uri.startswith("gs://"):
        raise invalid(f"Invalid artifact_uri: found '{uri}', expected a gs:// URI.")
    # TensorFlow Serving waits for a version for ever, and the deployment with it.
    if BASE_PATH in model.container_spec.args:
        version = re.compile(rf"{re.escape(uri)}/[0-9]+/saved_model\.pb")
        if not any(map(version.fullmatch, vertex.gcs.list(uri))):
            raise Refusal("FAILED_PRECONDITION", f"The artifact {uri} has no version of a model.")
    elif not vertex.gcs.exists(f"{uri}/saved_model.pb"):
        raise Refusal("FAILED_PRECONDITION", f"The artifact {uri} has no saved_model.pb.")


def _check_alias(alias: str) -> None:
    if not ALIAS.fullmatch(alias):
        raise invalid(f"Invalid version alias: found '{alias}', expected ^{ALIAS.pattern}$.")


def _move_aliases(vertex: "VertexEmulator", model: str, version_id: str, moved: list[str]) -> None:
    """Takes aliases away from all other versions and gives them to one."""
    for version in versions_of(vertex, model):
        kept = [alias for alias in version.version_aliases if alias not in moved]
        if version.version_id == version_id:
            kept += moved
        if kept != version.version_aliases:
            vertex.store.change(version.name, partial(_set_aliases, aliases=kept))


def _set_aliases(version: Message, aliases: list[str]) -> None:
    version.version_aliases[:] = aliases
    version.version_update_time.GetCurrentTime()


@_register("GET", _MODEL, types.GetModelRequest)
def get_model(vertex: "VertexEmulator", request) -> Message:
    return _shown(vertex, find_version(vertex, request.name))


@_register("GET", _MODELS, types.ListModelsRequest)
def list_models(vertex: "VertexEmulator", request) -> Message:
    versions = vertex.store.of_kind(KIND, vertex.canonical(request.parent))
    models = [_shown(vertex, one) for one in versions if DEFAULT in one.version_aliases]
    found, token = page(models, request, types.Model.pb())
    return types.ListModelsResponse.pb()(models=found, next_page_token=token)


@_register("GET", f"{_MODEL}:listVersions", types.ListModelVersionsRequest)
def list_model_versions(vertex: "VertexEmulator", request) -> Message:
    model = vertex.canonical(request.name).partition("@")[0]
    versions = [_shown(vertex, version) for version in versions_of(vertex, model)]
    found, token = page(versions, request, types.Model.pb())
    return types.ListModelVersionsResponse.pb()(models=found, next_page_token=token)


@_register("POST", f"{_MODEL}:mergeVersionAliases", types.MergeVersionAliasesRequest, body="*")
def merge_version_aliases(vertex: "VertexEmulator", request) -> Message:
    with vertex.store.lock:
        version = find_version(vertex, request.name)
        model = version.name.partition("@")[0]
        taken = [alias[1:] for alias in request.version_aliases if alias.startswith("-")]
        given = [alias for alias in request.version_aliases if not alias.startswith("-")]
        for alias in (*taken, *given):
            _check_alias(alias)
        if DEFAULT in taken:
            raise invalid("The alias 'default' cannot be removed: give it to another version.")
        left = [alias for alias in version.version_aliases if alias not in taken]
        vertex.store.change(version.name, partial(_set_aliases, aliases=left))
        _move_aliases(vertex, model, version.version_id, given)
        return _shown(vertex, vertex.store.find(version.name))


def _remove(vertex: "VertexEmulator", versions: list[Message]) -> Operation:
    for version in versions:
        if deployed := vertex.deployments_of(version):
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The Model {version.name} is deployed at {deployed[0].endpoint}: undeploy it "
                "before it is deleted.",
            )
    for version in versions:
        vertex.store.remove(version.name)
    return vertex.operations.add(vertex.parent, Empty(), types.DeleteOperationMetadata.pb()())


@_register("DELETE", _MODEL, types.DeleteModelRequest)
def delete_model(vertex: "VertexEmulator", request) -> Operation:
    with vertex.store.lock:
        return _remove(vertex, versions_of(vertex, vertex.canonical(request.name)))


@_register("DELETE", f"{_MODEL}:deleteVersion", types.DeleteModelVersionRequest)
def delete_model_version(vertex: "VertexEmulator", request) -> Operation:
    if "@" not in request.name:
        raise invalid(f"Invalid name: found '{request.name}', expected one with a version.")
    with vertex.store.lock:
        version = find_version(vertex, request.name)
        if DEFAULT in version.version_aliases:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"{version.name} is the default version: delete the model, or make another "
                "version the default before.",
            )
        return _remove(vertex, [version])
