"""Predictions of Vertex AI's emulator: where an endpoint may be asked, and what is refused.

That masks come back is a test of serving's client.
"""

import pytest
from google.oauth2.credentials import Credentials

from tests.emulators.child import Refused
from tests.emulators.deploying import create_endpoint, deploy, predict, predict_dedicated, upload
from tests.emulators.submitting import with_client

HOST = "pets.us-central1-123456789012.prediction.vertexai.goog"


@pytest.fixture
def make_endpoint(cloud, artifact):
    """Makes an endpoint, dedicated or not, with a model that has no container."""

    def make(dedicated):
        name = cloud(create_endpoint, "pets", dedicated_endpoint_enabled=dedicated)
        cloud(deploy, name, cloud(upload, artifact)[0])
        return name

    return make


def test_a_dedicated_endpoint_has_a_host_of_its_own(vertex, cloud, make_endpoint):
    name = make_endpoint(True)
    assert vertex.endpoints[0].dedicated_endpoint_dns == HOST
    with pytest.raises(Refused, match=f"through the shared Vertex AI domain: .*{HOST}") as refused:
        cloud(predict, name, "image")
    assert refused.value.kind == "FailedPrecondition"
    status, said = cloud(predict_dedicated, name, HOST, "image")
    assert (status, "no healthy upstream" in said) == (503, True)


def test_a_shared_endpoint_has_none(vertex, cloud, make_endpoint):
    name = make_endpoint(False)
    assert cloud(predict_dedicated, name, HOST, "image")[0] == 404
    with pytest.raises(Refused, match="no healthy upstream") as refused:
        cloud(predict, name, "image")
    assert refused.value.kind == "ServiceUnavailable"


def test_another_endpoint_at_a_host(vertex, cloud, make_endpoint):
    name = make_endpoint(True)
    other = cloud(create_endpoint, "cats", dedicated_endpoint_enabled=True)
    status, said = cloud(predict_dedicated, other, HOST, "image")
    assert (status, f"is not the host of {other}" in said) == (404, True)
    assert cloud(predict_dedicated, f"{name}/x", HOST, "image")[0] == 404


def test_requests_that_are_too_large(vertex, cloud, make_endpoint):
    name = make_endpoint(True)
    assert cloud(predict_dedicated, name, HOST, "i" * (10 * 1024 * 1024)) == (
        413,
        "Payload Too Large",
    )
    assert cloud(predict_dedicated, name, HOST, "i" * (10 * 1024 * 1024 - 99))[0] == 503
    shared = cloud(create_endpoint, "shared")
    with pytest.raises(Refused, match="size exceeds the limit: 1572864 bytes"):
        cloud(predict, shared, "i" * 1_572_864)


@pytest.mark.parametrize("dedicated", [True, False])
def test_nothing_is_deployed(vertex, cloud, dedicated):
    name = cloud(create_endpoint, "pets", dedicated_endpoint_enabled=dedicated)
    if dedicated:  # it has no host before
        assert cloud(predict_dedicated, name, HOST, "image")[0] == 404
        return
    with pytest.raises(Refused, match="endpoints/pets doesn't have traffic_split") as refused:
        cloud(predict, name, "image")
    assert refused.value.kind == "FailedPrecondition"


def test_an_account_without_a_role(gcs, vertex, child, client_settings, make_endpoint):
    name = make_endpoint(False)
    account = gcs.accounts.add("stranger", permitted=False)
    client_settings["credentials"] = Credentials(gcs.accounts.token(account))
    with pytest.raises(Refused, match="'Predict' denied on resource") as refused:
        child(with_client, client_settings, predict, name, "image")
    assert refused.value.kind == "PermissionDenied"
