"""Endpoints of Vertex AI's emulator, as google-cloud-aiplatform deploys models at them."""

import pytest

from tests.emulators.child import Refused
from tests.emulators.deploying import (
    create_endpoint,
    delete_endpoint,
    delete_model,
    delete_version,
    deploy,
    endpoints,
    raw_deploy,
    send,
    traffic,
    undeploy,
    undeploy_all,
    update,
    upload,
)
from tests.emulators.vertex import VertexEmulator


def deployed_ids(vertex: VertexEmulator) -> dict[str, str]:
    """The ids of what is deployed at the one endpoint, by the models' versions."""
    (endpoint,) = vertex.endpoints
    return {deployed.model_version_id: deployed.id for deployed in endpoint.deployed_models}


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
    nobody = "nobody@demo-project.iam.gserviceaccount.com"
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
