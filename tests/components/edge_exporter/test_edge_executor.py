"""The executor on the artifacts of a real run."""

import json
import resource
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import Artifact, standard_artifacts

from components.edge_exporter.executor import Executor, publish
from components.edge_exporter.limits import Limits
from tests.components.conftest import Artifacts

LENIENT = Limits(max_drop=1.0, max_size=0.3)


@pytest.fixture
def output(tmp_path: Path) -> Artifact:
    edge = standard_artifacts.Model()
    edge.uri = str(tmp_path / "edge_model")
    return edge


def run(inputs: Artifacts, output: Artifact, limits: Limits = LENIENT) -> None:
    told = json.dumps({"limits": limits.model_dump()})
    Executor().Do(inputs, {"edge_model": [output]}, {"custom_config": told})


def test_a_blessed_model_is_converted(inputs: Artifacts, output: Artifact) -> None:
    run(inputs, output)
    folder = Path(output.uri, "Format-Serving")
    assert {path.name for path in folder.iterdir()} == {
        "model.tflite",
        "model_fp16.tflite",
        "model_dynamic_range.tflite",
        "edge.json",
    }
    assert output.get_int_custom_property("blessed") == 1
    assert output.get_string_custom_property("summary").startswith("int8 ")
    report = json.loads((folder / "edge.json").read_text())
    # The float model's figure is the gate's; counted here again, the float32 version's is the same.
    assert report["variants"]["float32"]["mean_iou"] == pytest.approx(
        report["float_mean_iou"], abs=1e-3
    )


def test_what_does_not_pass_says_why(inputs: Artifacts, output: Artifact) -> None:
    run(inputs, output, Limits(max_size=0.01))
    assert not Path(output.uri, "Format-Serving", "model.tflite").exists()
    assert output.get_int_custom_property("blessed") == 0
    reason = output.get_string_custom_property("reason")
    assert "of float32's bytes, more than 0.01" in reason
    assert output.get_string_custom_property("summary") == f"none, {reason}"


def test_nothing_is_done_with_a_refused_model(inputs: Artifacts, output: Artifact) -> None:
    inputs["model_blessing"][0].set_int_custom_property("blessed", 0)
    run(inputs, output)
    assert not Path(output.uri).exists()
    assert output.get_int_custom_property("blessed") == 0
    assert output.get_string_custom_property("reason") == "the model was not blessed"


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    staged, folder = tmp_path / "staged", tmp_path / "folder"
    staged.mkdir()
    (staged / "model.tflite").write_bytes(bytes(300_000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises((OSError, tf.errors.OpError)):
            publish(staged, str(folder))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (folder / "model.tflite").exists()
    publish(staged, str(folder))
    assert [path.name for path in folder.iterdir()] == ["model.tflite"]


def test_artifacts_on_another_file_system_are_read_as_well(
    inputs: Artifacts, output: Artifact, in_a_bucket: Callable[[Artifacts], str]
) -> None:
    output.uri = f"{in_a_bucket(inputs)}/edge_model"
    run(inputs, output)
    assert output.get_int_custom_property("blessed") == 1
    assert tf.io.gfile.exists(f"{output.uri}/Format-Serving/model.tflite")
