"""The executor on the artifacts of a real run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Artifact, standard_artifacts

from components.artifacts import examples as labelled
from components.lakefs_pusher.executor import Executor
from stores.errors import StoreError
from tests.components.conftest import Artifacts
from tests.components.hf_pusher.test_executor import edge_model
from tests.components.lakefs_pusher.conftest import REPOSITORY, config
from tests.emulators.lakefs import SECRET_KEY, LakeFSEmulator


@pytest.fixture
def output(tmp_path: Path) -> Artifact:
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "job-20261122" / "LakeFSPusher_1" / "pushed_model")
    Path(pushed.uri).mkdir(parents=True)
    return pushed


@pytest.fixture
def push(lakefs: LakeFSEmulator, namespace: str) -> Callable[[Artifacts, Artifact], str]:
    """Runs the executor; returns what it is told, which holds no key."""

    def run(inputs: Artifacts, output: Artifact) -> str:
        told = {
            "lakefs": config(lakefs.endpoint, namespace).model_dump(),
            "recipe": "scenes",
            "code_digest": "c0de",
        }
        properties = {"custom_config": json.dumps(told)}
        Executor().Do(inputs, {"pushed_model": [output]}, properties)
        return properties["custom_config"]

    return run


def test_a_blessed_model_is_pushed_with_what_is_known_of_it(
    lakefs: LakeFSEmulator, inputs: Artifacts, output: Artifact, push, tmp_path: Path
) -> None:
    inputs["edge_model"] = [edge_model(tmp_path, "model.tflite")]
    assert SECRET_KEY not in push(inputs, output)
    [tag] = lakefs.tags(REPOSITORY)
    assert output.get_int_custom_property("pushed") == 1
    assert output.get_string_custom_property("tag") == tag
    assert output.get_string_custom_property("revision") == lakefs.tags(REPOSITORY)[tag]
    assert output.get_string_custom_property("path") == "models/scenes"
    paths = {path.removeprefix("models/scenes/") for path in lakefs.content(REPOSITORY)}
    assert {"saved_model.pb", "assets.extra/provenance.json", "model.tflite"} < paths
    told = lakefs.commits(REPOSITORY)[0]["metadata"]
    assert told["run"] == "job-20261122"
    assert told["recipe"] == "scenes"
    assert told["code_digest"] == "c0de"
    assert told["data_digest"] == labelled.digest(inputs["examples"][0])
    assert 0 <= float(told["metric.mean_iou"]) <= 1
    assert len(told["model_digest"]) == 64


def test_pushed_again_it_is_the_same_version(
    lakefs: LakeFSEmulator, inputs: Artifacts, output: Artifact, push
) -> None:
    push(inputs, output)
    first = output.get_string_custom_property("revision")
    push(inputs, output)
    assert output.get_string_custom_property("revision") == first
    assert len(lakefs.tags(REPOSITORY)) == 1


@pytest.mark.parametrize("by", ["model_blessing", "infra_blessing"])
def test_a_refused_model_changes_nothing(
    lakefs: LakeFSEmulator, inputs: Artifacts, output: Artifact, push, by: str
) -> None:
    [blessing] = inputs[by]
    blessing.set_int_custom_property("blessed", 0)
    push(inputs, output)
    assert lakefs.requests == []
    assert output.get_int_custom_property("pushed") == 0


def test_a_model_that_is_no_saved_model(
    lakefs: LakeFSEmulator, inputs: Artifacts, output: Artifact, push, tmp_path: Path
) -> None:
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="holds no SavedModel; run the Trainer again"):
        push({**inputs, "model": [model]}, output)
    assert lakefs.requests == []


def test_artifacts_on_another_file_system_are_read_as_well(
    lakefs: LakeFSEmulator,
    inputs: Artifacts,
    output: Artifact,
    push,
    in_a_bucket: Callable[[Artifacts], str],
) -> None:
    output.uri = f"{in_a_bucket(inputs)}/job/step/pushed_model"
    tf.io.gfile.makedirs(output.uri)
    push(inputs, output)
    assert output.get_int_custom_property("pushed") == 1
