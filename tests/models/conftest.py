"""What the tests of `models/` share: one Transform graph, one network, one export."""

import functools
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from drawn_pets import (
    CLASS_NAMES,
    IMAGE_SIZE,
    NUM_CLASSES,
    PALETTE,
    Pet,
    draw_pixels,
    encode,
    pets,
)
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from models import preprocessing, registry, signatures
from models.config import TrainingConfig

# The suite's fixture that makes a folder once for all of pytest's worker processes.
Shared = Callable[[str, Callable[[Path], None]], Path]

FEATURES = ("image", "label", "name", "breed", "species")


@pytest.fixture(scope="session")
def config() -> TrainingConfig:
    """A small training of the three pet classes."""
    return TrainingConfig(
        recipe="drawn",
        model="unet",
        encoder_weights="none",
        class_names=CLASS_NAMES,
        palette=PALETTE,
        image_size=IMAGE_SIZE,
        batch_size=4,
        epochs=1,
        learning_rate=2e-3,
        weight_decay=1e-4,
        augmentation=0.5,
        patience=20,
        seed=3,
    )


@pytest.fixture(scope="session")
def transform_graph(shared: Shared) -> str:
    """Folder of a transform graph, analysed by tf.Transform as the Transform component does."""
    return str(shared("models-transform", write_transform_graph) / "graph")


def write_transform_graph(folder: Path) -> None:
    """Analyses one drawn pet."""
    path = folder / "graph"
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in FEATURES}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    callback = functools.partial(
        preprocessing.preprocessing_fn, custom_config={"image_size": IMAGE_SIZE}
    )
    options = PipelineOptions(["--runner=DirectRunner", "--direct_running_mode=in_memory"])
    with (
        beam.Pipeline(options=options) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "temp")),
    ):
        pet = pets(1)[0]
        row = {
            "image": pet.image,
            "label": encode(pet.mask, "PNG"),
            "name": pet.name.encode(),
            "breed": pet.breed.encode(),
            "species": pet.species.encode(),
        }
        data = pipeline | beam.Create([row])
        graph = (data, metadata) | tft_beam.AnalyzeDataset(callback)
        _ = graph | tft_beam.WriteTransformFn(str(path))
        raw_metadata = str(path / tft.TFTransformOutput.RAW_METADATA_DIR)
        _ = metadata | tft_beam.WriteMetadata(raw_metadata, pipeline)


@pytest.fixture(scope="session")
def transform_output(transform_graph: str) -> tft.TFTransformOutput:
    """The transform graph, opened."""
    return tft.TFTransformOutput(transform_graph)


@pytest.fixture(scope="session")
def network(shared: Shared) -> keras.Model:
    """An untrained U-Net from a fixed seed that predicts every class somewhere."""
    weights = shared("models-network", write_weights) / "network.weights.h5"
    model = registry.build_model("unet", IMAGE_SIZE, NUM_CLASSES, "none")
    model.load_weights(weights)
    return model


def write_weights(folder: Path) -> None:
    """Draws weights.

    A few forward passes give the BatchNorm layers the statistics of real activations, without
    which the logits would all but vanish, and the last bias levels the classes.
    """
    keras.utils.set_random_seed(7)
    model = registry.build_model("unet", IMAGE_SIZE, NUM_CLASSES, "none")
    pixels = [draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[0] for seed in range(6)]
    images = np.stack(pixels).astype(np.float32)
    for _ in range(10):
        model(images, training=True)
    logits = keras.ops.convert_to_numpy(model(images, training=False))
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.bias.assign(last.bias - logits.mean(axis=(0, 1, 2)))
    model.save_weights(folder / "network.weights.h5")


@pytest.fixture(scope="session")
def saved_model(
    network: keras.Model,
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    shared: Shared,
) -> Path:
    """The network exported behind the transform graph."""

    def export(folder: Path) -> None:
        signatures.export(network, transform_output, config, {"steps": 0}, str(folder / "model"))

    return shared("models-export", export) / "model"


@pytest.fixture(scope="session")
def drawn() -> list[Pet]:
    """A dozen pets."""
    return pets(12)
