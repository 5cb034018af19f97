"""Probabilities on the edge, and their counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.classification import metrics
from models.classification.decisions import decide
from models.classification.predictions import PROBABILITIES, name_classes
from models.config import TrainingConfig


def edge_head(
    image_size: int, num_classes: int
) -> tuple[str, tf.types.experimental.ConcreteFunction]:
    """Logits to probabilities, float32 [1, C] each.

    Args:
        image_size: not needed.
        num_classes: C.
    """
    spec = tf.TensorSpec([1, num_classes], tf.float32, "logits")
    function = tf.function(
        lambda logits: tf.nn.softmax(logits), input_signature=[spec], autograph=False
    )
    return PROBABILITIES, function.get_concrete_function()


def edge_answer(answer: tf.Tensor, size: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Return what `serve` answers for an image, by the edge model's answer.

    Args:
        answer: probabilities, float32 [C].
        size: of the image; not needed.
        config: what was trained.
    """
    named = name_classes(answer[tf.newaxis], config)
    return {name: value[0] for name, value in named.items()}


def edge_counter(
    config: TrainingConfig,
) -> Callable[[tf.Tensor, npt.NDArray[Any]], dict[str, npt.NDArray[np.float64]]]:
    """Make what counts probabilities, float32 [1, C] or [C], against the true class id."""
    num_classes = config.num_outputs
    count = tf.function(
        lambda probabilities, labels: metrics.count(
            probabilities, decide(probabilities, config), labels
        ),
        input_signature=[tf.TensorSpec([1, num_classes], tf.float32), tf.TensorSpec([1], tf.int32)],
        autograph=False,
    )

    def counted(label: tf.Tensor, answer: npt.NDArray[Any]) -> dict[str, npt.NDArray[np.float64]]:
        counts = count(np.reshape(answer, [1, num_classes]), tf.reshape(label, [1]))
        return {name: value[0].numpy().astype(np.float64) for name, value in counts.items()}

    return counted
