"""The model repository's pages: what the Hub and a reader find in them."""

import dataclasses
import html
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from huggingface_hub import HfApi, ModelCard
from PIL import Image

from components.artifacts.evaluations import Bound, Evaluation, Slice
from components.artifacts.samples import Shown
from components.hf_pusher.model_card import Data, Facts, write_pages
from models.provenance import Provenance
from models.registry import load_task
from tests.components.hf_pusher.conftest import TOKEN
from tests.conftest import REPOSITORY
from tests.emulators.hub import HubEmulator
from tests.hostile import HOSTILE_BREED

CLASS_NAMES = ["pet", "a|b *c*", "border"]
FIGURES = {
    "example_count": 7.0,
    "mean_iou": 0.75,
    "pixel_accuracy": 0.9,
    "boundary_iou": math.nan,
    **{f"iou_{name}": 0.7 for name in CLASS_NAMES},
    **{f"dice_{name}": math.nan for name in CLASS_NAMES},
}
TRAINED = Provenance(
    recipe="pets",
    model="unet",
    encoder_weights="none",
    image_size=96,
    batch_size=8,
    epochs=6,
    learning_rate=4e-3,
    seed=0,
    class_names=tuple(CLASS_NAMES),
    palette=((230, 97, 1), (94, 60, 153), (253, 184, 99)),
)
DATA = Data(
    digest="c2b6b85da456f38a",
    counts={"train": 600, "val": 120},
    source="Oxford-IIIT Pet",
    licence="CC BY-SA 4.0",
    hub_dataset="timm/oxford-iiit-pet",
)
EDGE = {
    "threads": 2,
    "float_mean_iou": 0.8,
    "variants": {
        "float32": {"file": None, "bytes": 8_300_000, "mean_iou": 0.8, "milliseconds": 5.0},
        "int8": {"file": "model.tflite", "bytes": 2_360_000, "mean_iou": 0.79, "milliseconds": 3.2},
    },
}


def jpeg(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(file, "JPEG")
    return file.getvalue()


def facts(**changes: object) -> Facts:
    breeds = [Slice("breed", HOSTILE_BREED, 3, FIGURES, {})]
    breeds += [Slice("breed", f"breed {number}", 1, FIGURES, {}) for number in range(12)]
    evaluation = Evaluation(
        task=load_task("segmentation"),
        class_names=CLASS_NAMES,
        slices={"": [Slice("", "", 7, FIGURES, {})], "breed": breeds},
        bounds=[Bound("Mean IoU", 0.75, 0.55, 1)],
        confusion=np.eye(3),
        reliability=None,
    )
    pictures = {"Image": jpeg("red"), "Truth": jpeg("green"), "Prediction": jpeg("blue")}
    sample = Shown("name", [], 0.5, pictures, 40, 30)
    values = {
        "repo_id": "demo/pets",
        "license": "cc-by-sa-4.0",
        "trained": TRAINED,
        "code_digest": "c0de",
        "evaluation": evaluation,
        "data": DATA,
        "samples": {"Worst": sample},
        "edge": None,
    }
    return Facts(**{**values, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_pages(tmp_path, facts())
    return tmp_path


def test_the_hub_reads_licence_data_and_measured_figures(folder: Path) -> None:
    data = ModelCard.load(folder / "README.md").data
    assert (data.license, data.library_name) == ("cc-by-sa-4.0", "tensorflow")
    assert data.pipeline_tag == "image-segmentation"
    assert data.datasets == ["timm/oxford-iiit-pet"]
    assert {"image-segmentation", "tfx", "unet"} <= set(data.tags)
    results = {result.metric_type: result for result in data.eval_results}
    assert results["mean_iou"].metric_value == 0.75
    assert results["iou_border"].metric_name == "IoU, border"
    assert results["mean_iou"].dataset_type == "timm/oxford-iiit-pet"
    assert "boundary_iou" not in results  # there was nothing to measure it by


def test_the_hubs_own_validation_accepts_it(folder: Path, tmp_path: Path) -> None:
    with HubEmulator(tmp_path / "hub") as hub:
        hub.add_token(TOKEN, user="demo")
        api = HfApi(endpoint=hub.endpoint, token=TOKEN)
        api.create_repo("demo/pets")
        api.upload_file(
            repo_id="demo/pets", path_or_fileobj=folder / "README.md", path_in_repo="README.md"
        )
        assert any(one.path == "/api/validate-yaml" for one in hub.requests)


def test_names_stay_text_whatever_they_are_made_of(folder: Path) -> None:
    text = ModelCard.load(folder / "README.md").text
    assert "<script>" not in text
    assert "a|b" not in text
    cells = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    assert HOSTILE_BREED in [html.unescape(cell).strip() for row in cells for cell in row]
    # Every row of a table has as many cells as the one above it.
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({len(line.split("|")) for line in table.splitlines()}) == 1, table


def test_classes_figures_and_slices_are_shown(folder: Path) -> None:
    text = ModelCard.load(folder / "README.md").text
    assert "| 2 | border | `#fdb863` |" in text
    assert "| all images | 0.750 |" in text
    assert "| Mean IoU | 0.750 | 0.550 |" in text
    assert "3 more, all of them better" in text
    assert "Oxford-IIIT Pet. Licence: CC BY-SA 4.0." in text
    assert "LiteRT" not in text


def test_a_lite_model_is_explained(tmp_path: Path) -> None:
    write_pages(tmp_path, facts(edge=EDGE))
    card = ModelCard.load(tmp_path / "README.md")
    assert "| `model.tflite` | int8 | 2.4 | 0.790 |" in card.text
    assert "float32 |" not in card.text  # it is not published
    assert 'hf_hub_download("demo/pets", "model.tflite")' in card.text
    assert "litert" in card.data.tags


def test_the_server_that_it_names_is_ours_and_listens_here_alone(folder: Path) -> None:
    service = yaml.safe_load((REPOSITORY / "serving" / "compose.yaml").read_text())["services"]
    [image] = {one["image"] for one in service.values() if "tensorflow" in one["image"]}
    [command] = re.findall(r"^docker run .*$", (folder / "README.md").read_text(), re.M)
    assert command.endswith(f" {image}")
    assert re.findall(r"-p (\S+)", command) == ["127.0.0.1:8501:8501"]


def test_data_that_nobody_described(tmp_path: Path) -> None:
    write_pages(tmp_path, facts(data=Data(digest="c2b6", counts={"train": 3})))
    card = ModelCard.load(tmp_path / "README.md")
    assert "Not described by whoever published the model." in card.text
    assert card.data.datasets is None


def test_a_recipe_without_conditions(tmp_path: Path) -> None:
    unbound = dataclasses.replace(facts().evaluation, bounds=[])
    write_pages(tmp_path, facts(evaluation=unbound))
    text = (tmp_path / "README.md").read_text()
    assert "It was published without conditions." in text and "| condition |" not in text


def test_figures_are_json_that_any_reader_takes(folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert metrics["slices"][0]["figures"]["boundary_iou"] is None
    assert len(metrics["slices"]) == 14
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["data"]["digest"] == DATA.digest
    assert provenance["code_digest"] == "c0de"


def test_pictures_show_image_truth_and_mask_side_by_side(folder: Path) -> None:
    assert "](overlays/worst.jpg)" in (folder / "README.md").read_text()
    with Image.open(folder / "overlays" / "worst.jpg") as picture:
        assert picture.size == (120, 30)
        red, green, blue = (picture.getpixel((x, 15)) for x in (20, 60, 100))
    assert red[0] > 200
    assert green[1] > 100 > green[0]
    assert blue[2] > 200


def test_the_same_facts_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    write_pages(again, facts())
    for path in again.rglob("*.*"):
        assert path.read_bytes() == (folder / path.relative_to(again)).read_bytes()


CLASSIFIED = load_task("classification")


@pytest.fixture
def classified(tmp_path: Path) -> Path:
    """The card of a classifier."""
    class_names = ["cat", "a|b <i>"]
    figures = dict.fromkeys(CLASSIFIED.measured(class_names), 0.75)
    evaluation = Evaluation(
        task=CLASSIFIED,
        class_names=class_names,
        slices={"": [Slice("", "", 7, figures | {"calibration_error": 0.03}, {})]},
        bounds=[Bound("Accuracy", 0.75, 0.55, 1)],
        confusion=np.eye(2),
        reliability=np.array([[0, 0, 0], [7, 6.1, 6]]),
    )
    told = ["is a|b <i>", "taken for cat (98%)"]
    changes = {
        "trained": TRAINED.model_copy(
            update={"task": "classification", "class_names": tuple(class_names), "palette": ()}
        ),
        "evaluation": evaluation,
        "samples": {"Worst": Shown("name", told, 0.012, {"Image": jpeg("red")}, 40, 30)},
        "edge": {
            "threads": 2,
            "float_accuracy": 0.8,
            "variants": {
                "int8": {"file": "model.tflite", "bytes": 300_000, "accuracy": 0.79},
            },
        },
    }
    write_pages(tmp_path, facts(**changes))
    return tmp_path


def test_a_classifier_is_filed_as_one(classified: Path) -> None:
    data = ModelCard.load(classified / "README.md").data
    assert data.pipeline_tag == "image-classification"
    measured = {one.metric_type: one.metric_value for one in data.eval_results}
    assert measured["accuracy"] == measured["f1_cat"] == measured["f1_a|b <i>"] == 0.75
    assert measured["calibration_error"] == 0.03
    assert {one.task_type for one in data.eval_results} == {"image-classification"}
    figures = json.loads((classified / "metrics.json").read_text())
    assert figures["reliability"] == [[0, 0, 0], [7, 6.1, 6]]
    assert figures["confusion_matrix"] == [[1, 0], [0, 1]]


def test_a_classifiers_card_speaks_of_no_masks_and_pixels_of_classes(classified: Path) -> None:
    text = html.unescape(raw := ModelCard.load(classified / "README.md").text)
    assert "names one of 2 classes" in text
    assert "gives the true class, here 0.012: is a|b <i>, taken for cat (98%)." in text
    assert "by 0.030 on average (expected calibration error" in text
    assert "probabilities by class id, float32 [2]" in text
    assert not {"<i>", "a|b"} & set(raw.split())
    assert not {"mask", "masks", "colour"} & set(re.findall(r"\w+", text.lower()))
