"""Logits to classes and probabilities, and their counts against the truth."""

import tensorflow as tf

from models.classification import metrics
from models.classification.labels import decode_label
from models.config import TrainingConfig

LABELS = "label"
NAMES = "class_name"
PROBABILITIES = "probabilities"


def serve(logits: tf.Tensor, sizes: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Images' classes.

    Args:
        logits: float32 [N, C].
        sizes: of the images; not needed.
        config: what was trained.

    Returns:
        `label`: int64 [N], the likeliest class's id; `class_name`: string [N], its name;
        `probabilities`: float32 [N, C].
    """
    probabilities = tf.nn.softmax(logits)
    ids = tf.argmax(probabilities, axis=-1)
    return {
        LABELS: ids,
        NAMES: tf.gather(tf.constant(config.class_names), ids),
        PROBABILITIES: probabilities,
    }


def judge(
    logits: tf.Tensor, sizes: tf.Tensor, raw: tf.Tensor, config: TrainingConfig
) -> dict[str, tf.Tensor]:
    """Images' classes, and their counts against the truth.

    Args:
        logits: as in `serve`, like `sizes` and `config`.
        sizes: likewise.
        raw: the true class ids, int64 [N].
        config: likewise.

    Returns:
        `label` and `probabilities` as in `serve`, and `models.classification.metrics.count`.
    """
    probabilities = tf.nn.softmax(logits)
    return {
        LABELS: tf.argmax(probabilities, axis=-1),
        PROBABILITIES: probabilities,
        **metrics.count(probabilities, decode_label(raw)),
    }


def logits_spec(image_size: int, num_classes: int) -> tf.TensorSpec:
    """Logits of one image: float32 [C]."""
    return tf.TensorSpec([num_classes], tf.float32)


def answers(num_classes: int) -> tuple[dict[str, tf.TensorSpec], dict[str, tf.TensorSpec]]:
    """What `serve` and `judge` give for one image."""
    shared = {
        LABELS: tf.TensorSpec([], tf.int64),
        PROBABILITIES: tf.TensorSpec([num_classes], tf.float32),
    }
    return (
        {**shared, NAMES: tf.TensorSpec([], tf.string)},
        {**shared, **metrics.count_specs(num_classes)},
    )
