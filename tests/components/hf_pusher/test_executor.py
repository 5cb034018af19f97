"""The executor on the artifacts of a real run, whose names are meant to break a page."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from huggingface_hub import ModelCard, RepoCard
from tfx.dsl.io import fileio
from tfx.types import Artifact, standard_artifacts

from components.digest import folder_digest
from components.hf_pusher.answers import HubError
from components.hf_pusher.executor import PUBLICATION, Executor
from tests.components.conftest import Artifacts
from tests.components.hf_pusher.conftest import MODEL, config
from tests.components.hf_pusher.test_model_card import EDGE
from tests.conftest import Workplace
from tests.emulators.hub import HubEmulator


@pytest.fixture
def output(tmp_path: Path) -> Artifact:
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(tmp_path / "pushed_model")
    Path(pushed.uri).mkdir()
    return pushed


def push(inputs: Artifacts, output: Artifact, hub: HubEmulator, data_root: Path) -> None:
    told = {
        "hub": config(hub.endpoint).model_dump(),
        "data_root": str(data_root),
        "code_digest": "c0de",
    }
    Executor().Do(inputs, {"pushed_model": [output]}, {"custom_config": json.dumps(told)})


def test_a_blessed_model_is_published_with_its_card(
    hub: HubEmulator, inputs: Artifacts, output: Artifact, hostile: Workplace
) -> None:
    before = {name: folder_digest(Path(one.uri)) for name, [one] in inputs.items()}
    push(inputs, output, hub, hostile.folder / "data")
    assert {name: folder_digest(Path(one.uri)) for name, [one] in inputs.items()} == before

    [tag] = hub.tags("models", MODEL)
    assert output.get_int_custom_property("pushed") == 1
    assert output.get_string_custom_property("tag") == tag
    assert output.get_string_custom_property("repo_id") == MODEL
    url = f"{hub.endpoint}/{MODEL}/tree/{tag}"
    assert output.get_string_custom_property("pushed_destination") == url
    published = json.loads(Path(output.uri, PUBLICATION).read_text())
    assert published["revision"] == hub.tags("models", MODEL)[tag]

    tree = hub.tree("models", MODEL)
    assert {"saved_model.pb", "metrics.json", "provenance.json", "overlays/best.jpg"} <= set(tree)
    card = ModelCard(tree["README.md"].decode())
    assert "<script>" not in card.text
    assert card.data.eval_results
    # The data set was changed after its description was written, so that describes it no more.
    assert "Not described by whoever published the model." in card.text
    space = hub.tree("spaces", MODEL)
    assert {"examples/worst.jpg", "examples/median.jpg", "examples/best.jpg"} <= set(space)
    assert RepoCard(space["README.md"].decode()).data.sdk == "gradio"


@pytest.mark.parametrize("by", ["model_blessing", "infra_blessing"])
def test_a_refused_model_changes_nothing(
    hub: HubEmulator, inputs: Artifacts, output: Artifact, hostile: Workplace, by: str
) -> None:
    [blessing] = inputs[by]
    blessing.set_int_custom_property("blessed", 0)
    push(inputs, output, hub, hostile.folder / "data")
    assert hub.requests == []
    assert output.get_int_custom_property("pushed") == 0


def test_an_edge_model_goes_along(
    hub: HubEmulator, inputs: Artifacts, output: Artifact, hostile: Workplace, tmp_path: Path
) -> None:
    edge = edge_model(tmp_path, "model.tflite", "model_fp16.tflite")
    push({**inputs, "edge_model": [edge]}, output, hub, hostile.folder / "data")
    assert hub.content("models", MODEL, "main", "model.tflite") == b"lite"
    assert "model_fp16.tflite" in hub.tree("models", MODEL)
    assert b"milliseconds" not in hub.content("models", MODEL, "main", "edge.json")
    assert b"ai-edge-litert" in hub.tree("spaces", MODEL)["requirements.txt"]
    assert b"Interpreter" in hub.tree("models", MODEL)["README.md"]


def test_an_edge_model_that_did_not_pass_stays_behind(
    hub: HubEmulator, inputs: Artifacts, output: Artifact, hostile: Workplace, tmp_path: Path
) -> None:
    edge = edge_model(tmp_path, "model_fp16.tflite")
    push({**inputs, "edge_model": [edge]}, output, hub, hostile.folder / "data")
    assert output.get_int_custom_property("pushed") == 1
    assert not {"model_fp16.tflite", "edge.json"} & set(hub.tree("models", MODEL))
    assert b"tensorflow" in hub.tree("spaces", MODEL)["requirements.txt"]


def edge_model(folder: Path, *names: str) -> Artifact:
    """An EdgeExporter's artifact with these models."""
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder / "edge")
    serving = folder / "edge" / "Format-Serving"
    serving.mkdir(parents=True)
    for name in names:
        (serving / name).write_bytes(b"lite")
    (serving / "edge.json").write_text(json.dumps(EDGE))
    return artifact


def test_a_model_that_is_no_saved_model(
    hub: HubEmulator, inputs: Artifacts, output: Artifact, tmp_path: Path
) -> None:
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    with pytest.raises(HubError, match="holds no SavedModel; run the Trainer again"):
        push({**inputs, "model": [model]}, output, hub, tmp_path)
    assert hub.requests == []


def test_artifacts_on_another_file_system_are_read_as_well(
    hub: HubEmulator,
    inputs: Artifacts,
    output: Artifact,
    few_pets: Path,
    in_a_bucket: Callable[[Artifacts], str],
) -> None:
    output.uri = f"{in_a_bucket(inputs)}/pushed_model"
    tf.io.gfile.makedirs(output.uri)
    push(inputs, output, hub, few_pets)
    assert output.get_int_custom_property("pushed") == 1
    assert fileio.exists(f"{output.uri}/{PUBLICATION}")
