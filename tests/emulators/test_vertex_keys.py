"""Keys and networks, which Vertex AI's emulator checks in every resource that may have them."""

import pytest

from tests.emulators.child import Refused
from tests.emulators.deploying import create_endpoint, create_private_endpoint, upload
from tests.emulators.test_vertex_custom_jobs import create as train
from tests.emulators.test_vertex_custom_jobs import pool

ELSEWHERE = "projects/demo-project/locations/europe-west4/keyRings/ring/cryptoKeys/key"
REFUSAL = "is not in the region us-central1"


def test_a_key_of_another_region(vertex, cloud, artifact):
    with pytest.raises(Refused, match=REFUSAL):
        cloud(create_endpoint, "pets", encryption_spec_key_name=ELSEWHERE)
    with pytest.raises(Refused, match=REFUSAL):
        cloud(upload, artifact, encryption_spec_key_name=ELSEWHERE)
    with pytest.raises(Refused, match=REFUSAL):
        cloud(train, pool("pass"), encryption_spec={"kms_key_name": ELSEWHERE})
    assert not [*vertex.endpoints, *vertex.models, *vertex.custom_jobs]


def test_a_network_that_is_not_named_by_its_projects_number(vertex, cloud):
    network = "projects/demo-project/global/networks/vpc"
    with pytest.raises(Refused, match="expected projects/NUMBER/global/networks/NAME"):
        cloud(create_private_endpoint, network)
    with pytest.raises(Refused, match="expected projects/NUMBER/global/networks/NAME"):
        cloud(train, pool("pass"), job_spec={"network": network})
    assert not [*vertex.endpoints, *vertex.custom_jobs]
