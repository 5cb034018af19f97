"""Containers that serve a model, as Vertex AI's emulator takes or refuses them."""

import pytest

from tests.emulators.child import Refused
from tests.emulators.deploying import send_model
from tests.emulators.submitting import IMAGE


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_uri": "tensorflow/serving:2.21.0"}, "an image in Artifact Registry"),
        ({"predict_route": "predict"}, "Invalid container_spec.predict_route: found 'predict'"),
        ({"health_route": "health"}, "Invalid container_spec.health_route: found 'health'"),
        ({"predict_route": "/v1", "invoke_route_prefix": "/*"}, "only one of predict_route and"),
        ({"ports": [{"container_port": 0}]}, "Invalid container_spec.ports: found 0"),
        ({"ports": [{"container_port": 65536}]}, "Invalid container_spec.ports: found 65536"),
        ({"env": [{"name": "MODEL-NAME"}]}, "found 'MODEL-NAME', expected a C identifier"),
        ({"env": [{"name": ""}]}, "found '', expected a C identifier"),
    ],
    ids=str,
)
def test_a_container_that_is_refused(vertex, cloud, artifact, changes, message):
    model = {
        "display_name": "pets",
        "artifact_uri": artifact,
        "container_spec": {"image_uri": IMAGE, **changes},
    }
    with pytest.raises(Refused) as refused:
        cloud(send_model, vertex.parent, model)
    assert refused.value.kind == "InvalidArgument"
    assert message in refused.value.message
    assert not vertex.models


def test_tensorflow_serving_finds_no_version(vertex, cloud, artifact):
    spec = {"image_uri": IMAGE, "args": ["--model_base_path=$(AIP_STORAGE_URI)"]}
    model = {"display_name": "pets", "artifact_uri": artifact, "container_spec": spec}
    with pytest.raises(Refused, match="has no version of a model"):
        cloud(send_model, vertex.parent, model)
    model["artifact_uri"] = artifact.removesuffix("/model")
    with pytest.raises(Refused, match="has no version of a model"):
        cloud(send_model, vertex.parent, model)
