"""What tests have done with models and endpoints in a process whose Google Cloud is emulated."""

import json

import google.auth
from google.auth.transport.requests import AuthorizedSession
from google.cloud import aiplatform
from google.cloud.aiplatform import initializer, utils
from google.protobuf.field_mask_pb2 import FieldMask

from tests.emulators.submitting import IMAGE


def upload(artifact: str, **options) -> tuple[str, str]:
    options = {"display_name": "pets", "serving_container_image_uri": IMAGE, **options}
    model = aiplatform.Model.upload(artifact_uri=artifact, **options)
    return model.resource_name, model.version_id


def versions(model: str) -> list[tuple[str, list[str]]]:
    found = aiplatform.Model(model).versioning_registry.list_versions()
    return sorted((version.version_id, sorted(version.version_aliases)) for version in found)


def version_of(model: str, version: str | None = None) -> str:
    return aiplatform.Model(model, version=version).version_id


def add_aliases(model: str, version: str, aliases: list[str]) -> None:
    aiplatform.Model(model).versioning_registry.add_version_aliases(aliases, version)


def remove_aliases(model: str, version: str, aliases: list[str]) -> None:
    aiplatform.Model(model).versioning_registry.remove_version_aliases(aliases, version)


def delete_version(model: str, version: str) -> None:
    aiplatform.Model(model).versioning_registry.delete_version(version)


def delete_model(model: str) -> None:
    aiplatform.Model(model).delete()


def models(filter: str) -> list[str]:
    return [model.name for model in aiplatform.Model.list(filter=filter)]


def create_endpoint(endpoint_id: str | None = None, **options) -> str:
    options = {"display_name": "pets", **options}
    return aiplatform.Endpoint.create(endpoint_id=endpoint_id, **options).resource_name


def create_private_endpoint(network: str) -> str:
    return aiplatform.PrivateEndpoint.create(display_name="pets", network=network).resource_name


def endpoints(filter: str | None = None) -> list[str]:
    return [endpoint.name for endpoint in aiplatform.Endpoint.list(filter=filter)]


def deploy(endpoint: str, model: str, version: str | None = None, **options) -> dict[str, int]:
    """Deploys a model and returns the endpoint's traffic by the models' versions."""
    used = aiplatform.Endpoint(endpoint)
    options = {"machine_type": "n1-standard-2", **options}
    used.deploy(aiplatform.Model(model, version=version), **options)
    return traffic(endpoint)


def traffic(endpoint: str) -> dict[str, int]:
    used = aiplatform.Endpoint(endpoint)
    by_id = {deployed.id: deployed.model_version_id for deployed in used.list_models()}
    return {by_id[deployed]: share for deployed, share in used.traffic_split.items()}


def update(endpoint: str, **changes) -> None:
    aiplatform.Endpoint(endpoint).update(**changes)


def undeploy(endpoint: str, deployed_model_id: str, traffic_split: dict | None = None) -> None:
    aiplatform.Endpoint(endpoint).undeploy(deployed_model_id, traffic_split)


def undeploy_all(endpoint: str) -> None:
    aiplatform.Endpoint(endpoint).undeploy_all()


def delete_endpoint(endpoint: str, force: bool = False) -> None:
    aiplatform.Endpoint(endpoint).delete(force=force)


def send(method: str, mask: str | None = None, **request) -> None:
    """Sends a request that the client has not looked at."""
    client = initializer.global_config.create_client(utils.EndpointClientWithOverride)
    if mask:
        request["update_mask"] = FieldMask(paths=[mask])
    operation = getattr(client, method)(request=request)
    if hasattr(operation, "result"):
        operation.result()


def send_model(parent: str, model: dict) -> None:
    client = initializer.global_config.create_client(utils.ModelClientWithOverride)
    client.upload_model(request={"parent": parent, "model": model}).result()


def raw_deploy(endpoint: str, model: str, traffic_split: dict[str, int], **resources) -> None:
    resources = {"machine_spec": {"machine_type": "n1"}, "min_replica_count": 1, **resources}
    deployed = {"model": model, "dedicated_resources": resources}
    send("deploy_model", endpoint=endpoint, deployed_model=deployed, traffic_split=traffic_split)


def predict(endpoint: str, value: str) -> list:
    """Asks at the host that all endpoints share, whatever the endpoint is."""
    client = initializer.global_config.create_client(
        utils.PredictionClientWithOverride, prediction_client=True
    )
    return list(client.predict(endpoint=endpoint, instances=[value]).predictions)


def predict_dedicated(endpoint: str, host: str, value: str) -> tuple[int, str]:
    """Asks at a host of its own; returns the status and what is said."""
    credentials, _ = google.auth.default(["https://www.googleapis.com/auth/cloud-platform"])
    answer = AuthorizedSession(credentials).post(
        f"https://{host}/v1/{endpoint}:predict", json.dumps({"instances": [value]})
    )
    return answer.status_code, answer.text
