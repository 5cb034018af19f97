"""Models and endpoints of Vertex AI's emulator, as google-cloud-aiplatform uses them."""

import pytest
from google.cloud import aiplatform
from google.cloud.aiplatform import initializer, utils
from google.protobuf.field_mask_pb2 import FieldMask

from tests.emulators.child import Refused
from tests.emulators.submitting import IMAGE
from tests.emulators.vertex import VertexEmulator


@pytest.fixture
def artifact(gcs, bucket) -> str:
    """The gs:// URI of a folder that looks like a SavedModel."""
    objects = gcs.client.bucket(bucket.removeprefix("gs://"))
    objects.blob("model/saved_model.pb").upload_from_string(b"")
    return f"{bucket}/model"


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


def deployed_ids(vertex: VertexEmulator) -> dict[str, str]:
    """The ids of what is deployed at the one endpoint, by the models' versions."""
    (endpoint,) = vertex.endpoints
    return {deployed.model_version_id: deployed.id for deployed in endpoint.deployed_models}


def test_versions(vertex, cloud, artifact):
    model, version = cloud(upload, artifact, model_id="pets", labels={"owner": "me"})
    assert (model, version) == (f"{vertex.parent}/models/pets", "1")
    options = {"parent_model": model, "version_aliases": ["candidate"]}
    assert cloud(upload, artifact, is_default_version=False, **options) == (model, "2")
    assert cloud(versions, model) == [("1", ["default"]), ("2", ["candidate"])]
    assert cloud(upload, artifact, is_default_version=True, **options) == (model, "3")
    assert cloud(versions, model) == [("1", []), ("2", []), ("3", ["candidate", "default"])]
    assert cloud(version_of, model) == "3"
    assert cloud(version_of, model, "candidate") == "3"
    assert cloud(version_of, model, "2") == "2"
    with pytest.raises(Refused, match="has no version 'stable'"):
        cloud(version_of, model, "stable")


def test_aliases(cloud, artifact):
    model, _ = cloud(upload, artifact)
    cloud(upload, artifact, parent_model=model, is_default_version=False)
    cloud(add_aliases, model, "2", ["stable", "default"])
    assert cloud(versions, model) == [("1", []), ("2", ["default", "stable"])]
    cloud(remove_aliases, model, "2", ["stable"])
    assert cloud(versions, model) == [("1", []), ("2", ["default"])]
    with pytest.raises(Refused, match="'default' cannot be removed"):
        cloud(remove_aliases, model, "2", ["default"])
    with pytest.raises(Refused, match="Invalid version alias: found '7'"):
        cloud(add_aliases, model, "2", ["7"])


def test_deleted_versions_do_not_come_back(vertex, cloud, artifact):
    model, _ = cloud(upload, artifact)
    cloud(upload, artifact, parent_model=model, is_default_version=False)
    cloud(delete_version, model, "2")
    with pytest.raises(Refused, match="is the default version"):
        cloud(delete_version, model, "1")
    assert cloud(upload, artifact, parent_model=model) == (model, "3")
    vertex.operations.polls = 1
    cloud(delete_model, model)
    assert not vertex.models


def test_list_of_models(cloud, artifact):
    pets, _ = cloud(upload, artifact, model_id="pets", labels={"owner": "me"})
    cloud(upload, artifact, model_id="cats", display_name="cats")
    cloud(upload, artifact, parent_model=pets)
    assert cloud(models, 'display_name="pets"') == ["pets"]
    assert cloud(models, "labels.owner:*") == []
    cloud(add_aliases, pets, "1", ["default"])
    assert cloud(models, "labels.owner:*") == ["pets"]


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"artifact": "gs://bucket-1/nothing"}, "FailedPrecondition", "has no saved_model.pb"),
        ({"model_id": "Pets"}, "InvalidArgument", "Invalid model_id: found 'Pets'"),
        ({"labels": {"Owner": "me"}}, "InvalidArgument", "Invalid label key 'Owner'"),
        ({"version_aliases": ["1"]}, "InvalidArgument", "Invalid version alias: found '1'"),
        ({"parent_model": "dogs"}, "NotFound", "models/dogs is not found"),
        ({"model_id": "pets"}, "Conflict|AlreadyExists", "models/pets already exists"),
    ],
)
def test_model_that_is_refused(vertex, cloud, artifact, options, kind, message):
    cloud(upload, artifact, model_id="pets")
    with pytest.raises(Refused, match=message) as refused:
        cloud(upload, **{"artifact": artifact, **options})
    assert refused.value.kind in kind.split("|")
    assert len(vertex.models) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"artifact_uri": "gs://bucket/model"}, "container_spec.image_uri is required"),
        ({"container_spec": {"image_uri": IMAGE}}, "Invalid artifact_uri: found ''"),
        (
            {"container_spec": {"image_uri": IMAGE}, "artifact_uri": "/tmp/model"},
            "found '/tmp/model', expected a gs:// URI",
        ),
    ],
)
def test_model_that_does_not_hold(vertex, cloud, fields, message):
    model = {"display_name": "pets", **fields}
    with pytest.raises(Refused, match=message):
        cloud(send_model, vertex.parent, model)
    assert not vertex.models


def test_lost_answer_of_an_upload(vertex, cloud, artifact):
    vertex.lose_answer("UploadModel")
    with pytest.raises(Refused, match="Socket closed|Connection reset") as refused:
        cloud(upload, artifact)
    assert refused.value.kind == "ServiceUnavailable"
    assert len(vertex.models) == 1


def test_endpoints(vertex, cloud):
    vertex.operations.polls = 1
    name = cloud(create_endpoint, "pets-1", labels={"owner": "me"})
    assert name == f"{vertex.parent}/endpoints/pets-1"
    cloud(create_endpoint, display_name="cats")
    assert cloud(endpoints, 'display_name="pets"') == ["pets-1"]
    assert cloud(endpoints, "labels.owner=me") == ["pets-1"]
    assert len(cloud(endpoints)) == 2
    with pytest.raises(Refused, match="pets-1 already exists") as refused:
        cloud(create_endpoint, "pets-1")
    assert refused.value.kind == "AlreadyExists"
    cloud(update, name, display_name="dogs", labels={"owner": "you"})
    assert cloud(endpoints, 'display_name="dogs" AND labels.owner=you') == ["pets-1"]
    with pytest.raises(Refused, match="'network' cannot be changed"):
        cloud(send, "update_endpoint", "network", endpoint={"name": name})
    cloud(delete_endpoint, name)
    assert cloud(endpoints, 'display_name="dogs"') == []


@pytest.mark.parametrize("endpoint_id", ["Pets", "pets-", "1pets", "1234567890", "012", "p" * 64])
def test_bad_endpoint_id(vertex, cloud, endpoint_id):
    with pytest.raises(Refused, match=f"Invalid endpoint_id: found '{endpoint_id}'"):
        cloud(create_endpoint, endpoint_id)
    assert not vertex.endpoints


def test_rollout_and_rollback(vertex, cloud, artifact):
    endpoint = cloud(create_endpoint, "pets")
    model, _ = cloud(upload, artifact)
    cloud(upload, artifact, parent_model=model)
    assert cloud(deploy, endpoint, model, "1") == {"1": 100}
    assert cloud(deploy, endpoint, model, "2", traffic_percentage=10) == {"1": 90, "2": 10}
    ids = deployed_ids(vertex)
    with pytest.raises(Refused, match="deployed at .*endpoints/pets: undeploy it before"):
        cloud(delete_version, model, "1")
    with pytest.raises(Refused, match="has deployed models"):
        cloud(send, "delete_endpoint", name=endpoint)
    with pytest.raises(Refused, match="has 90 % of the traffic"):
        cloud(send, "undeploy_model", endpoint=endpoint, deployed_model_id=ids["1"])
    cloud(update, endpoint, traffic_split={ids["1"]: 0, ids["2"]: 100})
    cloud(undeploy, endpoint, ids["1"])
    assert cloud(traffic, endpoint) == {"2": 100}
    cloud(delete_version, model, "1")
    cloud(undeploy_all, endpoint)
    cloud(delete_endpoint, endpoint)
    cloud(delete_model, model)
    assert (vertex.models, vertex.endpoints) == ([], [])


def test_undeploy_with_traffic(vertex, cloud, artifact):
    endpoint = cloud(create_endpoint)
    model, _ = cloud(upload, artifact)
    cloud(deploy, endpoint, model)
    cloud(upload, artifact, parent_model=model)
    cloud(deploy, endpoint, model, traffic_percentage=50)
    ids = deployed_ids(vertex)
    request = {"endpoint": endpoint, "deployed_model_id": ids["1"]}
    with pytest.raises(Refused, match="expected a sum of 100"):
        cloud(send, "undeploy_model", **request, traffic_split={ids["2"]: 50})
    with pytest.raises(Refused, match=f"'{ids['1']}' is no deployed model"):
        cloud(send, "undeploy_model", **request, traffic_split={ids["1"]: 100})
    cloud(undeploy, endpoint, ids["1"], {ids["1"]: 0, ids["2"]: 100})
    assert cloud(traffic, endpoint) == {"2": 100}
    with pytest.raises(Refused, match=f"has no deployed model '{ids['1']}'"):
        cloud(send, "undeploy_model", **request)


@pytest.mark.parametrize(
    ("split", "resources", "message"),
    [
        ({"0": 90}, {}, "expected a sum of 100"),
        ({"0": 50, "7": 50}, {}, "'7' is no deployed model"),
        ({"0": 100}, {"min_replica_count": 0}, "Invalid min_replica_count: found 0"),
        (
            {"0": 100},
            {"min_replica_count": 3, "max_replica_count": 2},
            "Invalid max_replica_count: found 2, expected 3 or more",
        ),
        ({"0": 100}, {"machine_spec": {}}, "machine_type is required"),
    ],
)
def test_deployment_that_is_refused(vertex, cloud, artifact, split, resources, message):
    endpoint = cloud(create_endpoint)
    model, _ = cloud(upload, artifact)
    with pytest.raises(Refused, match=message) as refused:
        cloud(raw_deploy, endpoint, model, split, **resources)
    assert refused.value.kind == "InvalidArgument"
    assert not vertex.endpoints[0].deployed_models


def test_deployment_of_an_absent_model(vertex, cloud):
    endpoint = cloud(create_endpoint)
    with pytest.raises(Refused, match="models/pets is not found"):
        cloud(raw_deploy, endpoint, f"{vertex.parent}/models/pets", {"0": 100})


def test_service_account_of_a_deployment(gcs, vertex, cloud, artifact):
    endpoint = cloud(create_endpoint)
    model, _ = cloud(upload, artifact)
    nobody = "nobody@demo.iam.gserviceaccount.com"
    with pytest.raises(Refused, match=f"act as service account {nobody}"):
        cloud(deploy, endpoint, model, service_account=nobody)
    server = gcs.accounts.add("server").email
    assert cloud(deploy, endpoint, model, service_account=server) == {"1": 100}


def test_more_replicas(vertex, cloud, artifact):
    endpoint = cloud(create_endpoint)
    model, _ = cloud(upload, artifact)
    cloud(deploy, endpoint, model)
    changed = {
        "id": deployed_ids(vertex)["1"],
        "dedicated_resources": {"min_replica_count": 2, "max_replica_count": 4},
    }
    request = {"endpoint": endpoint, "deployed_model": changed}
    mask = "dedicated_resources.max_replica_count"
    cloud(send, "mutate_deployed_model", mask, **request)
    resources = vertex.endpoints[0].deployed_models[0].dedicated_resources
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 4)


def test_all_of_it_outlives_the_emulator(gcs, runner, vertex, cloud, artifact, tmp_path):
    model, _ = cloud(upload, artifact)
    cloud(deploy, cloud(create_endpoint), model)
    kept = (vertex.models, vertex.endpoints)
    vertex.close()
    with VertexEmulator(tmp_path / "vertex", gcs, runner) as again:
        assert (again.models, again.endpoints) == kept
        assert cloud(upload, artifact, parent_model=model) == (model, "2")
