"""What the app's tests share: model folders, and the app in processes of its own."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from models import signatures
from tests.apps.gradio.running import (
    APP,
    HOSTILE_NAMES,
    RunningApp,
    Serve,
    running_app,
)


@pytest.fixture(scope="session")
def model_folder(shared, network, transform_output, config) -> Path:
    """A pushed SavedModel from random weights, its classes named by someone who means harm."""

    def export(folder: Path) -> None:
        hostile = config.model_copy(update={"class_names": HOSTILE_NAMES})
        signatures.export(network, transform_output, hostile, {}, str(folder / "model"))

    return shared("app-model", export) / "model"


@pytest.fixture(scope="session")
def lite_folder(shared, model_folder: Path) -> Path:
    """A folder with a `model.tflite` that tells the brightest channel of every pixel."""

    def convert(folder: Path) -> None:
        module = tf.Module()
        spec = tf.TensorSpec([1, None, None, 3], tf.uint8)
        module.serve = tf.function(
            lambda image: tf.cast(tf.argmax(tf.cast(image, tf.float32), -1), tf.uint8), [spec]
        )
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [module.serve.get_concrete_function()], module
        )
        (folder / "model.tflite").write_bytes(converter.convert())
        provenance = "assets.extra/provenance.json"
        (folder / "assets.extra").mkdir()
        (folder / provenance).write_bytes((model_folder / provenance).read_bytes())

    return shared("app-lite-model", convert)


@pytest.fixture(scope="session")
def app(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """The app on the SavedModel."""
    command = [sys.executable, str(APP / "app.py"), "--model", str(model_folder)]
    with running_app(command, tmp_path_factory.mktemp("app")) as running:
        yield running


@pytest.fixture(scope="session")
def serve(model_folder: Path) -> Serve:
    """The model itself: image bytes to the PNG of its mask and the classes' fractions."""
    loaded = tf.saved_model.load(str(model_folder))

    def call(image: bytes) -> tuple[bytes, list[float]]:
        answer = loaded.signatures["serving_default"](image_bytes=tf.constant([image]))
        return answer["mask_png_bytes"].numpy()[0], answer["class_fractions"].numpy()[0].tolist()

    return call
