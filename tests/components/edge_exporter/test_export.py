"""What is made of a model, and the verdict on it."""

import json
import zipfile
from pathlib import Path

import pytest
import tensorflow as tf

from components.edge_exporter.export import EdgeModel, _inside, export, write
from components.edge_exporter.limits import Limits
from components.edge_exporter.runtime import LiteModel
from components.edge_exporter.scoring import ExampleError
from models.config import Thresholds
from models.provenance import Provenance, read_provenance
from tests.models.classification.test_decisions import RULE
from tests.models.drawn_pets import CLASS_NAMES, PALETTE, Pet, decode

LENIENT = Limits(max_drop=0.3, max_size=0.3)  # an untrained network is sure of nothing


@pytest.fixture(scope="module")
def provenance(saved_model: Path) -> Provenance:
    return read_provenance(str(saved_model))


@pytest.fixture(scope="module")
def made(loaded: tf.Module, provenance: Provenance, records) -> EdgeModel:
    return export(loaded, provenance, records, 1.0, LENIENT)


@pytest.fixture
def converted(monkeypatch: pytest.MonkeyPatch, variants: dict[str, bytes]) -> None:
    """Has `export` find the model converted, for tests of what is done before and after."""
    found = "components.edge_exporter.export.convert"
    monkeypatch.setattr(found, lambda *_: variants.items())


def test_what_passes_is_there_with_its_figures(made: EdgeModel, tmp_path: Path) -> None:
    write(made, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "model.tflite",
        "model_fp16.tflite",
        "model_dynamic_range.tflite",
        "edge.json",
    }
    report = json.loads((tmp_path / "edge.json").read_text())
    assert (report["passed"], report["reason"]) == (True, "")
    assert report["variants"]["float32"]["mean_iou"] > 0.99
    int8 = report["variants"]["int8"]
    assert int8["bytes"] == (tmp_path / int8["file"]).stat().st_size
    assert set(int8["iou"]) == set(CLASS_NAMES)
    assert int8["mean_iou"] == pytest.approx(sum(int8["iou"].values()) / len(CLASS_NAMES))
    assert int8["milliseconds"] > 0
    assert made.summary.startswith(f"int8 {int8['bytes'] / 1e6:.1f} MB, mean IoU ")


def test_labels_and_metadata_are_inside(
    made: EdgeModel, tmp_path: Path, learned: list[Pet]
) -> None:
    write(made, tmp_path)
    for path in tmp_path.glob("*.tflite"):
        with zipfile.ZipFile(path) as archive:
            assert archive.read("labels.txt").decode().splitlines() == list(CLASS_NAMES)
            metadata = json.loads(archive.read("metadata.json"))
        assert metadata["palette"] == [list(colour) for colour in PALETTE]
        variant = made.report["variants"][metadata["variant"]]
        assert variant["file"] == path.name
        assert metadata["validation"]["mean_iou"] == variant["mean_iou"]
        # What stands behind the model does not keep it from being loaded.
        assert LiteModel(path.read_bytes()).answer(decode(learned[0].image)).any()


def test_a_device_is_told_the_threshold(provenance: Provenance) -> None:
    found = Thresholds(decide=0.2, review=0.1)
    told = provenance.model_copy(update={"decision": RULE, "thresholds": found})
    metadata = json.loads(_inside(told, "int8", {})["metadata.json"])
    assert metadata["thresholds"] == {"decide": 0.2, "review": 0.1}
    assert metadata["decision"]["positive_class"] == RULE.positive_class
    assert "thresholds" not in json.loads(_inside(provenance, "int8", {})["metadata.json"])


@pytest.mark.usefixtures("converted")
def test_limits_that_are_not_met_keep_the_model_back(
    loaded: tf.Module, provenance: Provenance, records
) -> None:
    edge = export(loaded, provenance, records, 1.0, Limits(max_drop=-0.5, max_size=0.1))
    fall, size = edge.report["reason"].split("; ")
    assert fall.endswith("is more than -0.5 below the float model's, 1.000")
    assert size.endswith("of float32's bytes, more than 0.1")
    assert edge.report["passed"] is False
    assert set(edge.files) == {"model_fp16.tflite", "model_dynamic_range.tflite"}
    assert edge.summary == f"none, {edge.report['reason']}"


def test_a_model_that_cannot_be_converted_is_no_error(provenance: Provenance, records) -> None:
    module = tf.Module()
    module.signatures = {}
    edge = export(module, provenance, records, 1.0, LENIENT)
    assert edge.files == {}
    assert "no signature `network`" in edge.report["reason"]


@pytest.mark.usefixtures("converted")
@pytest.mark.parametrize("split", ["train", "eval"])
def test_a_corrupt_example_is_named(
    loaded: tf.Module, provenance: Provenance, records, split: str
) -> None:
    def corrupt(wanted: str) -> list[bytes]:
        whole = list(records(wanted))
        if wanted == split:
            example = tf.train.Example.FromString(whole[3])
            [image] = example.features.feature["image"].bytes_list.value
            example.features.feature["image"].bytes_list.value[0] = image[:40]
            whole[3] = example.SerializeToString()
        return whole

    with pytest.raises(ExampleError, match=f"Example 3 of split {split}, `.*`, holds no image"):
        export(loaded, provenance, corrupt, 1.0, LENIENT)
