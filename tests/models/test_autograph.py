"""AutoGraph, which takes seconds to rewrite functions, finds none of the project's to rewrite."""

from pathlib import Path
from typing import Any

import keras
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.python.autograph.impl import api

from models import data, lite, signatures
from models.segmentation.augmentation import augment
from models.segmentation.edge import edge_head
from tests.models.drawn_pets import IMAGE_SIZE, pets, write_shard
from tests.models.small_model import CONFIG


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the functions that AutoGraph rewrites during the test."""
    names: list[str] = []
    rewrite = api._convert_actual

    def observe(entity: Any, context: Any) -> Any:
        names.append(f"{entity.__module__}.{entity.__qualname__}")
        return rewrite(entity, context)

    monkeypatch.setattr(api, "_convert_actual", observe)
    return names


def test_signatures_are_traced_as_they_are(
    transform_output: tft.TFTransformOutput, rewritten: list[str]
) -> None:
    pixels = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    network = keras.Model(pixels, keras.layers.Conv2D(3, 1)(pixels))
    module = signatures.ImageModule(network, transform_output, CONFIG)
    for function in (module.serve, module.evaluate, module.transform):
        function.get_concrete_function()
    module.network.get_concrete_function(tf.TensorSpec([1, IMAGE_SIZE, IMAGE_SIZE, 3]))
    assert rewritten == []


def test_batches_are_made_of_functions_as_they_are(
    transform_output: tft.TFTransformOutput, rewritten: list[str], tmp_path: Path
) -> None:
    write_shard(tmp_path / "train.gz", [pet.example() for pet in pets(2)])
    split = data.load_split([str(tmp_path / "train.gz")], transform_output, tf.uint8, 2)
    data.training_batches(split, augment, 2, 0, augmentation=1.0)
    data.evaluation_batches(split, 2)
    assert rewritten == []


def test_edge_stages_are_traced_as_they_are(rewritten: list[str]) -> None:
    lite.resize_image(32)
    edge_head(32, 3)
    assert rewritten == []
