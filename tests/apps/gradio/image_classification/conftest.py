"""Classifiers that tell the brightest or darkest channel, which is known without them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from components.demo import copy_app
from tests.apps.gradio.running import HOSTILE_NAMES, RunningApp, running_app

CLASS_NAMES = ("red", "green", "blue", *HOSTILE_NAMES)


class Brightest(tf.Module):
    """Of the means of red, green and blue, and of their opposites, each a class."""

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "image")])
    def of_pixels(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        means = tf.reduce_mean(tf.cast(image, tf.float32), [1, 2]) / 25.5
        return {"probabilities": tf.nn.softmax(tf.concat([means, 10.0 - means], 1))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serving_default(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = tf.map_fn(
            lambda data: self.of_pixels(tf.io.decode_png(data, 3)[tf.newaxis])["probabilities"][0],
            image_bytes,
            fn_output_signature=tf.TensorSpec([len(CLASS_NAMES)], tf.float32),
        )
        label = tf.argmax(probabilities, -1)
        return {
            "label": label,
            "class_name": tf.gather(tf.constant(CLASS_NAMES), label),
            "probabilities": probabilities,
        }


def write_provenance(folder: Path, **changed: object) -> None:
    (folder / "assets.extra").mkdir(parents=True, exist_ok=True)
    provenance = {
        "task": "classification",
        "model": "brightest",
        "image_size": 32,
        "class_names": CLASS_NAMES,
        "max_megapixels": 50,
    }
    path = folder / "assets.extra/provenance.json"
    path.write_text(json.dumps(provenance | changed))


@pytest.fixture(scope="session")
def classifier_folder(shared) -> Path:
    """A SavedModel."""

    def export(folder: Path) -> None:
        module = Brightest()
        tf.saved_model.save(module, folder, {"serving_default": module.serving_default})
        write_provenance(folder)

    return shared("app-classifier", export)


@pytest.fixture(scope="session")
def lite_classifier_folder(shared) -> Path:
    """The same as `model.tflite`."""

    def convert(folder: Path) -> None:
        module = Brightest()
        function = module.of_pixels.get_concrete_function()
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
        (folder / "model.tflite").write_bytes(converter.convert())
        write_provenance(folder)

    return shared("app-lite-classifier", convert)


@pytest.fixture(scope="session")
def app(
    lite_classifier_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    """The app as a Space has it, on the LiteRT model, which starts fastest."""
    folder = tmp_path_factory.mktemp("classification") / "space"
    copy_app("classification", folder)
    command = [sys.executable, "app.py", "--model", str(lite_classifier_folder)]
    with running_app(command, folder) as running:
        yield running
