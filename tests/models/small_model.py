"""A small model, as the suite's tests share it: its settings, Transform graph and network."""

import functools
from pathlib import Path

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from models import preprocessing, registry
from models.config import TrainingConfig
from tests.models.drawn_pets import (
    CLASS_NAMES,
    IMAGE_SIZE,
    NUM_CLASSES,
    PALETTE,
    draw_pixels,
    encode,
    pets,
)

FEATURES = ("image", "label", "name", "breed", "species")
CONFIG = TrainingConfig(
    task="segmentation",
    recipe="drawn",
    model="unet_light",
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


def write_transform_graph(folder: Path) -> None:
    """Analyses one drawn pet."""
    path = folder / "graph"
    spec = {name: tf.io.FixedLenFeature([], tf.string) for name in FEATURES}
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    callback = functools.partial(
        preprocessing.preprocessing_fn,
        custom_config={"image_size": IMAGE_SIZE, "task": "segmentation"},
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


def build_network() -> keras.Model:
    """Builds the U-Net, with weights yet to be drawn or loaded."""
    return registry.build_model("segmentation", "unet", IMAGE_SIZE, NUM_CLASSES, "none")


def write_weights(folder: Path) -> None:
    """Draws weights.

    A few forward passes give the BatchNorm layers the statistics of real activations, without
    which the logits would all but vanish, and the last bias levels the classes.
    """
    keras.utils.set_random_seed(7)
    model = build_network()
    pixels = [draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE))[0] for seed in range(6)]
    images = np.stack(pixels).astype(np.float32)
    for _ in range(10):
        model(images, training=True)
    logits = keras.ops.convert_to_numpy(model(images, training=False))
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)][-1]
    last.bias.assign(last.bias - logits.mean(axis=(0, 1, 2)))
    model.save_weights(folder / "network.weights.h5")
