"""Logits to classes and probabilities, and their counts against the truth."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.classification import metrics
from models.classification.decisions import decide, mark_doubtful
from models.classification.labels import decode_label
from models.config import TrainingConfig
from models.task import CONFIDENCE

LABELS = "label"
NAMES = "class_name"
PROBABILITIES = "probabilities"
DECISIONS = "decision"


def serve(logits: tf.Tensor, sizes: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Images' classes.

    Args:
        logits: float32 [N, C].
        sizes: of the images; not needed.
        config: what was trained.

    Returns:
        `label`: int64 [N], the id of the likeliest class, or of the one that the threshold decides
        for; `class_name`: string [N], its name; `probabilities`: float32 [N, C]; and of a model
        with thresholds `decision`: string [N], the name, or that a person is to look at the image.
    """
    return name_classes(tf.nn.softmax(logits), config)


def name_classes(probabilities: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Return what `serve` answers, of probabilities, float32 [N, C]."""
    ids = tf.cast(decide(probabilities, config), tf.int64)
    names = tf.gather(tf.constant(config.class_names), ids)
    answer = {LABELS: ids, NAMES: names, PROBABILITIES: probabilities}
    if config.thresholds:
        answer[DECISIONS] = mark_doubtful(names, probabilities, config)
    return answer


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
    ids = decide(probabilities, config)
    return {
        LABELS: tf.cast(ids, tf.int64),
        PROBABILITIES: probabilities,
        **metrics.count(probabilities, ids, decode_label(raw)),
    }


def describe_answer(told: Mapping[str, Any], config: TrainingConfig) -> dict[str, float | str]:
    """Return the class that an image was taken for, and its probability.

    Args:
        told: what `serve` gives for one image.
        config: whose class names are used.
    """
    decided = int(told[LABELS])
    confidence = float(told[PROBABILITIES][decided])
    return {"class": config.class_names[decided], CONFIDENCE: confidence}


def logits_spec(image_size: int, num_classes: int) -> tf.TensorSpec:
    """Logits of one image: float32 [C]."""
    return tf.TensorSpec([num_classes], tf.float32)


def answers(
    config: TrainingConfig,
) -> tuple[dict[str, tf.TensorSpec], dict[str, tf.TensorSpec]]:
    """Return what `serve` and `judge` give for one image."""
    shared = {
        LABELS: tf.TensorSpec([], tf.int64),
        PROBABILITIES: tf.TensorSpec([config.num_outputs], tf.float32),
    }
    named = (NAMES, DECISIONS) if config.thresholds else (NAMES,)
    return (
        {**shared, **dict.fromkeys(named, tf.TensorSpec([], tf.string))},
        {**shared, **metrics.count_specs(config.num_outputs)},
    )
