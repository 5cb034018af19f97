"""The second task, all the way: from folders of images to a Space, through the same graph."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from huggingface_hub import ModelCard, snapshot_download
from PIL import Image, ImageDraw

from components.data_stores import StoresConfig
from components.edge_exporter.runtime import LiteModel
from models.reference.statistics import read_reference
from pipeline.inference.data import find_data
from pipeline.inference.model import ExportedModel
from pipeline.inference.results import put_whole
from pipeline.inference.run import run_on_files, run_on_labelled
from pipeline.recipes import load_recipe
from pipeline.runs.history import load_run
from serving.gateway.lite import LiteServable
from tests.conftest import PUBLISHING, Workplace
from tests.emulators.hub import HubEmulator
from tests.test_local_runner import row

RECIPE = Path(__file__).parent / "recipes" / "shapes.toml"
NAMES = ["circle", "cross", "square"]
OF_EACH = 50


def draw(name: str, seed: int) -> Image.Image:
    """A shape of any colour and place on a ground of another."""
    rng = np.random.default_rng([seed, NAMES.index(name)])
    ground, colour = rng.integers(0, 100, 3), rng.integers(150, 256, 3)
    image = Image.fromarray(rng.normal(ground, 8, (40, 36, 3)).clip(0, 255).astype(np.uint8))
    x, y, size = (int(value) for value in rng.integers([2, 2, 18], [14, 16, 22]))
    box, pen = (x, y, x + size, y + size), ImageDraw.Draw(image)
    if name == "circle":
        pen.ellipse(box, fill=tuple(colour))
    elif name == "square":
        pen.rectangle(box, fill=tuple(colour))
    else:
        pen.line(box, fill=tuple(colour), width=5)
        pen.line((x, y + size, x + size, y), fill=tuple(colour), width=5)
    return image


@dataclass(frozen=True)
class Classified:
    """A finished run.

    Attributes:
        workplace: where it ran.
        printed: what it printed.
        data: its shards.
        model: what it pushed.
    """

    workplace: Workplace
    printed: str
    data: Path
    model: Path


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Classified:
    """Shapes in class folders, converted, trained on, judged and published."""
    folder = tmp_path_factory.mktemp("classified")
    for name in NAMES:
        (folder / "images" / name).mkdir(parents=True)
        for seed in range(OF_EACH):
            draw(name, seed).save(folder / "images" / name / f"{seed}.png")
    workplace, data = Workplace(folder), folder / "data"
    converted = workplace.run(
        "python -m tfrecords.create_tfrecords_class_folders "
        f"--images {folder}/images --output {data} --val-share 0.2 --calibration 0.2"
    )
    assert converted.returncode == 0, converted.stdout + converted.stderr
    with HubEmulator(folder / "hub", users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
        done = workplace.run(
            "python local_runner.py",
            RECIPE=RECIPE,
            DATA_ROOT=data,
            HF_ENDPOINT=hub.endpoint,
            HF_REPO_ID="demo/shapes",
            HF_TOKEN=PUBLISHING["HF_TOKEN"],
            HF_LICENSE="cc0-1.0",
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert row(done.stdout, "verdict") == "blessed", done.stdout
    [model] = workplace.pushed()
    return Classified(workplace, done.stdout, data, model)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
def test_learns_and_is_blessed(classified: Classified) -> None:
    printed = classified.printed
    assert row(printed, "images, calibration") == str(len(NAMES) * OF_EACH // 5)
    assert float(row(printed, "accuracy")) >= 0.8
    assert float(row(printed, "F1, cross")) > 0.5
    assert "int8" in row(printed, "edge model")


@pytest.mark.slow
def test_every_form_of_the_model_gives_the_same_answer(classified: Classified) -> None:
    images = [draw(name, 1000 + seed) for seed in range(8) for name in NAMES]
    serve = tf.saved_model.load(str(classified.model)).signatures["serving_default"]
    answer = {
        name: value.numpy()
        for name, value in serve(image_bytes=tf.constant([png(image) for image in images])).items()
    }
    assert set(answer) == {"label", "class_name", "probabilities"}
    np.testing.assert_allclose(answer["probabilities"].sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(answer["label"], answer["probabilities"].argmax(1))
    told = [name.decode() for name in answer["class_name"]]
    assert told == [NAMES[label] for label in answer["label"]]
    assert np.mean([one == NAMES[i % 3] for i, one in enumerate(told)]) >= 0.7
    [folder] = classified.workplace.pipeline_root.glob("EdgeExporter/edge_model/*/*")
    for name, agreement in (("model.tflite", 0.9), ("model_fp16.tflite", 1.0)):
        lite = LiteModel((folder / name).read_bytes())
        rows = [np.reshape(lite.answer(np.asarray(image)), [1, 3]) for image in images]
        found = np.concatenate(rows)
        assert (found.argmax(1) == answer["label"]).mean() >= agreement, name
        served = LiteServable(folder / name, 1, "classification").predict(
            [png(image) for image in images]
        )
        assert [one["label"] for one in served] == found.argmax(1).tolist()
        np.testing.assert_array_equal([one["probabilities"] for one in served], found)
    np.testing.assert_allclose(found, answer["probabilities"], atol=0.05)
    variants = json.loads((folder / "edge.json").read_text())["variants"]
    assert variants["float32"]["decided_otherwise"] == 0
    assert variants["float16"]["decided_otherwise"] <= variants["int8"]["decided_otherwise"] < 0.2


@pytest.mark.slow
def test_what_was_trained_is_recorded(classified: Classified) -> None:
    told = json.loads((classified.model / "assets.extra" / "provenance.json").read_text())
    assert told["task"] == "classification" and told["class_names"] == NAMES
    training = told["training"]
    assert 0.05 < training["temperature"] < 20
    assert training["parameters"] == 567_808
    assert training["processor_seconds"] > 1
    reference = read_reference(str(classified.model))
    images = int(row(classified.printed, "images, calibration"))
    assert (reference.split, reference.images) == ("calibration", images)
    assert set(reference.answers["class"].names) <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("labelled", [True, False])
def test_it_is_asked_as_infer_asks(classified: Classified, labelled: bool, tmp_path: Path) -> None:
    """About shards, with the Evaluator's figures, and about files, which have no true class."""
    given = classified.data if labelled else classified.workplace.folder / "images" / "cross"
    recipe, model = load_recipe(str(RECIPE)), ExportedModel(classified.model)
    data = find_data(StoresConfig(), recipe, "", [str(given)])
    with put_whole(tmp_path / "results") as results:
        if labelled:
            outcome = run_on_labelled(model, data, recipe.classes, results, lambda: None)
        else:
            outcome = run_on_files(model, data, results, lambda: None)
        results.finish({"images": outcome.images})
    with (tmp_path / "results" / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    written = json.loads((tmp_path / "results" / "scores.json").read_text())["images"]
    assert [one["name"] for one in rows] == [one["name"] for one in written]
    assert {one["class_name"] for one in rows} <= set(NAMES)
    assert all((tmp_path / "results" / one["overlay"]).stat().st_size for one in written)
    assert not outcome.failed and len(rows) == (len(NAMES) * OF_EACH // 5 if labelled else OF_EACH)
    if labelled:
        judged = load_run(classified.workplace.pipeline_root / "metadata.sqlite").metrics()
        assert outcome.figures.pop("top_5_accuracy") is None, "there are three classes"
        expected = pytest.approx(outcome.figures, abs=1e-6)
        assert {key: judged[key] for key in outcome.figures} == expected
    else:
        assert outcome.figures == {}


@pytest.mark.slow
def test_a_model_is_followed_to_its_data(classified: Classified) -> None:
    done = classified.workplace.run(
        f"python -m pipeline lineage {classified.model.name}", RECIPE=RECIPE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("images, calibration", "accuracy", "F1, cross", "edge model"):
        assert row(done.stdout, name) == row(classified.printed, name), name


@pytest.mark.slow
def test_the_report_shows_mistakes_confusion_and_reliability(classified: Classified) -> None:
    [report] = (classified.workplace.pipeline_root / "reports").glob("2*.html")
    text = report.read_text()
    for said in ("Confusion", "Reliability", "Expected calibration error", "taken for", "Recall"):
        assert said in text, said


@pytest.mark.slow
def test_card_and_space_are_a_classifiers(classified: Classified, tmp_path: Path) -> None:
    folder = classified.workplace.folder
    with HubEmulator(folder / "hub", users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
        path = snapshot_download(
            "demo/shapes", endpoint=hub.endpoint, cache_dir=tmp_path, token=PUBLISHING["HF_TOKEN"]
        )
        pin = json.loads(hub.content("spaces", "demo/shapes", "main", "model.json"))
    card = ModelCard.load(Path(path) / "README.md")
    assert card.data.pipeline_tag == "image-classification"
    measured = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert f"{measured['accuracy']:.3f}" == row(classified.printed, "accuracy")
    assert pin["task"] == "classification"


@pytest.mark.slow
def test_the_repository_of_another_task_is_not_written_to(
    classified: Classified, published: HubEmulator
) -> None:
    before = published.tags("models", PUBLISHING["HF_REPO_ID"])
    done = classified.workplace.run(
        "python local_runner.py",
        RECIPE=RECIPE,
        DATA_ROOT=classified.data,
        HF_ENDPOINT=published.endpoint,
        HF_REPO_ID=PUBLISHING["HF_REPO_ID"],
        HF_TOKEN=PUBLISHING["HF_TOKEN"],
        HF_LICENSE="cc0-1.0",
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert published.tags("models", PUBLISHING["HF_REPO_ID"]) == before
