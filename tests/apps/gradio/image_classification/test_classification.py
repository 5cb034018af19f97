"""The app's classes are the model's own."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import segmentation
from classification import Classification, Model
from images import read_image
from tests.apps.gradio.image_classification.conftest import CLASS_NAMES, write_provenance
from tests.models.sent_images import sent_images

COLOURS = {"red": (250, 90, 60), "green": (60, 250, 90), "blue": (90, 60, 250)}


@pytest.fixture(scope="module")
def model(classifier_folder: Path) -> Model:
    return Model(classifier_folder)


@pytest.fixture(scope="module")
def lite_model(lite_classifier_folder: Path) -> Model:
    return Model(lite_classifier_folder)


def paint(colour: tuple[int, int, int], width: int = 40, height: int = 30) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_probabilities_are_the_models_own(classifier_folder: Path, model: Model) -> None:
    serve = tf.saved_model.load(str(classifier_folder)).signatures["serving_default"]
    for _, image in sent_images():
        pixels = read_image(image).pixels
        png = io.BytesIO()
        Image.fromarray(pixels).save(png, "PNG")
        answer = serve(image_bytes=tf.constant([png.getvalue()]))
        found = model.classify(pixels)
        assert tuple(found.probabilities) == CLASS_NAMES
        np.testing.assert_allclose(list(found.probabilities.values()), answer["probabilities"][0])
        assert found.class_name == answer["class_name"][0].numpy().decode()
        assert found.milliseconds > 0


def test_both_runtimes_answer_alike(model: Model, lite_model: Model) -> None:
    for name, colour in COLOURS.items():
        found, lite = (one.classify(paint(colour)) for one in (model, lite_model))
        assert found.class_name == lite.class_name == name
        np.testing.assert_allclose(
            list(lite.probabilities.values()), list(found.probabilities.values()), atol=1e-5
        )


def test_a_large_image_is_brought_down_for_the_lite_model(lite_model: Model) -> None:
    assert lite_model.classify(paint(COLOURS["blue"], 4000, 3000)).class_name == "blue"
    assert lite_model.classify(paint(COLOURS["red"], 65_535, 100)).class_name == "red"


def test_threads_get_the_answers_of_their_own_images(lite_model: Model) -> None:
    sizes = [(name, size) for size in (20, 40, 60, 80) for name in COLOURS]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda one: lite_model.classify(paint(COLOURS[one[0]], one[1])), sizes)
        )
    assert [one.class_name for one in found] == [name for name, _ in sizes]


def test_of_two_equal_classes_the_first_is_named() -> None:
    assert Classification({"b": 0.5, "a": 0.5}, 1.0).class_name == "b"


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{tmp_path} holds no model of the pipeline"):
        Model(tmp_path)


@pytest.mark.parametrize(
    ("load", "made", "shown"),
    [
        (Model, {"task": "segmentation"}, "classification"),
        (segmentation.Model, {}, "segmentation"),
    ],
)
def test_a_model_of_another_task_is_told(
    tmp_path: Path, load: type, made: dict[str, str], shown: str
) -> None:
    write_provenance(tmp_path, **made)
    task = made.get("task", "classification")
    with pytest.raises(ValueError, match=f"is one of {task}, and this app shows {shown}: serve it"):
        load(tmp_path)
