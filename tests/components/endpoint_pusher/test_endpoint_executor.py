"""The executor on artifacts in Cloud Storage, as a job on Vertex AI has them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from components.endpoint_pusher.config import EndpointConfig, container
from components.google_cloud import CloudError
from tests.components.endpoint_pusher.deployments import changes, serving, versions
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import IMAGE
from tests.emulators.vertex import VertexEmulator

Push = Callable[..., dict[str, Any]]
GRAPH = "Format-Serving/saved_model.pb"  # as the Trainer names it


def do(folder: str, blessed: bool, settings: dict[str, Any]) -> dict[str, Any]:
    """Runs the executor on a model of this folder, and returns what it says of what it pushed."""
    from tfx.types import standard_artifacts

    from components.endpoint_pusher.executor import Executor

    model, pushed = standard_artifacts.Model(), standard_artifacts.PushedModel()
    blessing = standard_artifacts.ModelBlessing()
    model.uri, pushed.uri = f"{folder}/model", f"{folder}/pushed_model"
    blessing.uri = f"{folder}/blessing"
    blessing.set_int_custom_property("blessed", int(blessed))
    blessing.set_string_custom_property("current_model_id", "the model")
    destination = {"filesystem": {"base_directory": f"{folder}/serving"}}
    with patch("time.sleep"):
        Executor().Do(
            {"model": [model], "model_blessing": [blessing]},
            {"pushed_model": [pushed]},
            {
                "push_destination": json.dumps(destination),
                "custom_config": json.dumps({"deployment": settings}),
            },
        )
    return {
        "pushed": pushed.get_int_custom_property("pushed"),
        "destination": pushed.get_string_custom_property("pushed_destination"),
        "saved_model": pushed.get_string_custom_property("saved_model"),
        "blessed": pushed.get_int_custom_property("blessed"),
        "model": pushed.get_string_custom_property("current_model_id"),
    }


@pytest.fixture
def run(
    child: ChildProcess, gcs: GcsEmulator, bucket: str, settings: dict[str, Any], tmp_path: Path
) -> Push:
    """Runs the executor on a model with this graph, in the folder `run` of the bucket."""

    def run(graph: bytes, blessed: bool = True, **given: Any) -> dict[str, Any]:
        folder = tmp_path / "model"
        (folder / "Format-Serving" / "variables").mkdir(parents=True, exist_ok=True)
        (folder / GRAPH).write_bytes(graph)
        (folder / "Format-Serving" / "variables" / "variables.index").write_bytes(b"weights")
        gcs.upload_tree(folder, f"{bucket}/run/model")
        return child(do, f"{bucket}/run", blessed, {**settings, **given})

    return run


def test_a_blessed_model_is_pushed_and_deployed(
    vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, run: Push
) -> None:
    endpoint = f"{vertex.parent}/endpoints/pets"
    told = run(b"graph")
    [(name, folder, image, _)] = versions(vertex)
    found_by = {"blessed": 1, "model": "the model"}
    assert told == {"pushed": 1, "destination": endpoint, "saved_model": folder, **found_by}
    assert (name, image) == ("pets@1", IMAGE)
    assert folder.startswith(f"{bucket}/run/serving/")
    for pushed in (folder, f"{bucket}/run/pushed_model"):
        assert gcs.read(f"{pushed}/saved_model.pb") == b"graph"
        assert gcs.read(f"{pushed}/variables/variables.index") == b"weights"
    assert serving(vertex) == {"pets-1": 100}

    done, objects = len(changes(vertex)), gcs.list(f"{bucket}/run/serving")
    assert run(b"graph") == told
    assert len(changes(vertex)) == done
    assert gcs.list(f"{bucket}/run/serving") == objects

    told = run(b"another graph")
    folder = versions(vertex)[1][1]
    assert told == {"pushed": 1, "destination": endpoint, "saved_model": folder, **found_by}
    assert serving(vertex) == {"pets-2": 100}
    assert gcs.read(f"{folder}/saved_model.pb") == b"another graph"


def test_a_model_that_is_not_blessed_changes_nothing(
    vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, run: Push
) -> None:
    told = run(b"graph", blessed=False)
    nothing = {"destination": "", "saved_model": "", "model": ""}
    assert told == {"pushed": 0, "blessed": 0, **nothing}
    assert vertex.requests == []
    assert not gcs.exists(f"{bucket}/run/serving")
    assert not gcs.exists(f"{bucket}/run/pushed_model")


def test_a_push_whose_deployment_failed_is_gone_on_with(
    vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, run: Push
) -> None:
    vertex.fault("DeployModel", "PERMISSION_DENIED")
    with pytest.raises(CloudError, match="refuses this account"):
        run(b"graph")
    objects = gcs.list(f"{bucket}/run/serving")
    assert run(b"graph")["pushed"] == 1
    assert gcs.list(f"{bucket}/run/serving") == objects
    assert serving(vertex) == {"pets-1": 100}


def test_tensorflow_serving_gets_a_folder_with_the_one_version(
    vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, run: Push
) -> None:
    image = "us-docker.pkg.dev/demo-project/images/tensorflow-serving:2.21.0"
    settings = EndpointConfig(endpoint_image=image, endpoint_server="tensorflow-serving")
    given = {"container": container(settings, "unused").model_dump()}
    first = run(b"graph", **given)["saved_model"]
    assert run(b"graph", **given)["saved_model"] == first
    second = run(b"another graph", **given)["saved_model"]
    for version, graph, pushed in zip(
        vertex.models, (b"graph", b"another graph"), (first, second), strict=True
    ):
        [served] = [name for name in gcs.list(version.artifact_uri) if name.endswith(".pb")]
        folder, number, _ = served.removeprefix(bucket).rsplit("/", 2)
        assert f"{bucket}{folder}" == version.artifact_uri
        assert number.isdecimal()
        assert gcs.read(served) == gcs.read(f"{pushed}/saved_model.pb") == graph
    spec = vertex.models[1].container_spec
    assert spec.image_uri == image
    assert list(spec.command) == ["tensorflow_model_server"]
    assert "--model_base_path=$(AIP_STORAGE_URI)" in spec.args
    [port] = spec.ports
    assert f"--rest_api_port={port.container_port}" in spec.args
    assert f"--model_name={spec.health_route.removeprefix('/v1/models/')}" in spec.args
    assert spec.predict_route == f"{spec.health_route}:predict"
    assert serving(vertex) == {"pets-2": 100}
