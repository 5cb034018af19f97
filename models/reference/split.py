"""Looks at some images of a split, and at a model's answers to them."""

from collections.abc import Callable, Mapping, Sequence

import tensorflow as tf
from absl import logging

from models import data, preprocessing
from models.config import TrainingConfig
from models.reference.features import measure_image
from models.reference.statistics import Reference, Values, summarize
from models.registry import load_learning

# Spread over the split. The answers take as long as to validate so many images once.
IMAGES = 200


def describe_split(
    split: str,
    file_patterns: Sequence[str],
    num_examples: int,
    serve: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
    config: TrainingConfig,
) -> Reference | None:
    """Measures up to `IMAGES` images, and describes the answers to them.

    Args:
        split: its name.
        file_patterns: where its shards are, plain or gzip.
        num_examples: how many examples they hold.
        serve: the function of `serving_default`.
        config: what was trained.

    Returns:
        None where no image can be looked at, which the log says.
    """
    describe_answer = load_learning(config.task).describe_answer
    inputs: list[Values] = []
    answers: list[Values] = []
    spec = {preprocessing.IMAGE: tf.io.FixedLenFeature([], tf.string)}
    for record in data.spread_records(file_patterns, num_examples, IMAGES):
        image = tf.io.parse_single_example(record, spec)[preprocessing.IMAGE]
        try:
            measured = measure_image(image.numpy())
            told = serve(image[tf.newaxis])
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            logging.info("An image of %s is no part of the reference: %s", split, error)
            continue
        inputs.append(measured)
        answer = {name: tensor.numpy()[0] for name, tensor in told.items()}
        answers.append(describe_answer(answer, config))
    try:
        return summarize(split, inputs, answers)
    except ValueError as error:
        logging.warning("The model has no reference statistics. %s", error)
        return None
