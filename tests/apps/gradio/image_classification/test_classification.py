"""The app's classes are the model's own."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import segmentation
from classification import Model
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


class Reddish(tf.Module):
    """Of two classes the first one's probability is the share of red, 0..1."""

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "image")])
    def of_pixels(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        red = tf.reduce_mean(tf.cast(image[..., 0], tf.float32), [1, 2]) / 255
        return {"probabilities": tf.stack([red, 1 - red], 1)}


def write_reddish(folder: Path, **changed: object) -> Model:
    module = Reddish()
    function = module.of_pixels.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    (folder / "model.tflite").write_bytes(converter.convert())
    write_provenance(folder, class_names=["defective", "good"], **changed)
    return Model(folder)


def test_of_two_equal_classes_the_first_is_named(tmp_path: Path) -> None:
    found = write_reddish(tmp_path).classify(paint((0, 0, 0)))
    assert (found.class_name, found.decision) == ("good", "")
    equal = Model._decide(write_reddish(tmp_path), np.array([0.5, 0.5], np.float32))
    assert equal == ("defective", "")


def test_a_class_is_decided_on_by_the_models_thresholds(tmp_path: Path) -> None:
    model = write_reddish(
        tmp_path,
        decision={"positive_class": "defective", "recall": 0.9, "review_recall": 1.0},
        thresholds={"decide": 0.4, "review": 0.2},
    )
    found = [model.classify(paint((red, 0, 0))) for red in (26, 77, 128, 230)]
    assert [one.class_name for one in found] == ["good", "good", "defective", "defective"]
    assert [one.decision for one in found] == ["good", "look at it", "defective", "defective"]


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
