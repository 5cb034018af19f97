"""What the tests of EdgeExporter share: a small SavedModel, its LiteRT versions, and examples."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf

from components.edge_exporter.convert import convert
from models import preprocessing
from tests.models.drawn_pets import Pet, decode, decode_mask, pets

Records = Callable[[str], Iterable[bytes]]


@pytest.fixture(scope="session")
def loaded(saved_model: Path) -> tf.Module:
    """The SavedModel, loaded."""
    return tf.saved_model.load(str(saved_model))


@pytest.fixture(scope="session")
def learned(loaded: tf.Module) -> list[Pet]:
    """Pets whose true masks are what the SavedModel answers: its own mean IoU is 1."""
    drawn = pets(24)
    serve = loaded.signatures["serving_default"]
    answers = serve(image_bytes=tf.constant([pet.image for pet in drawn]))["mask_png_bytes"]
    return [
        replace(pet, mask=decode_mask(png)) for pet, png in zip(drawn, answers.numpy(), strict=True)
    ]


@pytest.fixture(scope="session")
def records(learned: list[Pet]) -> Records:
    """The examples of both splits."""
    return lambda split: [pet.example() for pet in learned]


@pytest.fixture(scope="session")
def variants(shared, loaded: tf.Module, config) -> dict[str, bytes]:
    """The model's LiteRT versions by name."""

    def make(folder: Path) -> None:
        images = [
            preprocessing.resize_image(decode(pet.image), config.image_size).numpy()
            for pet in pets(24)
        ]
        for name, content in convert(loaded, images, config):
            (folder / f"{name}.tflite").write_bytes(content)

    folder = shared("edge-variants", make)
    return {path.stem: path.read_bytes() for path in folder.glob("*.tflite")}
