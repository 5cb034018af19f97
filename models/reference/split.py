"""Looks at some images of a split, and at a model's answers to them."""

from collections.abc import Sequence

import keras
import tensorflow as tf
import tensorflow_transform as tft
from absl import logging

from models import data, preprocessing
from models.config import TrainingConfig
from models.reference.features import measure_image
from models.reference.statistics import Reference, Values, summarize
from models.registry import load_learning
from models.views import average_mirrored

# Spread over the split. The answers take as long as to validate so many images once.
IMAGES = 200
_TOGETHER = 16


def describe_split(
    split: str,
    file_patterns: Sequence[str],
    num_examples: int,
    transform_output: tft.TFTransformOutput,
    model: keras.Model,
    config: TrainingConfig,
) -> Reference | None:
    """Measure up to `IMAGES` images, and describe the answers to them.

    The answers are those of `serving_default`, whose graph takes seconds to its first one: it looks
    for much in a file that records do not have.

    Args:
        split: its name.
        file_patterns: where its shards are, plain or gzip.
        num_examples: how many examples they hold.
        transform_output: Transform's artifact.
        model: the network that is served, of one view.
        config: what was trained.

    Returns:
        None where no image can be measured, which the log says.
    """
    learning = load_learning(config.task)
    network = average_mirrored(model) if config.mirrored else model
    transform = transform_output.transform_features_layer()
    spec = {preprocessing.IMAGE: tf.io.FixedLenFeature([], tf.string)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def prepare(examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        raw = tf.io.parse_example(examples, spec)
        features = transform(raw)
        return (
            raw[preprocessing.IMAGE],
            features[preprocessing.IMAGE],
            features[preprocessing.SIZE],
        )

    inputs: list[Values] = []
    answers: list[Values] = []
    for examples in data.spread_records(file_patterns, num_examples, IMAGES).batch(_TOGETHER):
        files, images, sizes = prepare(examples)
        told = learning.serve(network(images, training=False), sizes, config)
        arrays = {name: tensor.numpy() for name, tensor in told.items()}
        for number, file in enumerate(files.numpy()):
            try:
                measured = measure_image(file)
            except ValueError as error:
                logging.info("An image of %s is no part of the reference: %s", split, error)
                continue
            answer = {name: array[number] for name, array in arrays.items()}
            inputs.append(measured)
            answers.append(learning.describe_answer(answer, config))
    try:
        return summarize(split, inputs, answers)
    except ValueError as error:
        logging.warning("The model has no reference statistics. %s", error)
        return None
