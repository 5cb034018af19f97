"""A mask on the edge: logits to class ids in LiteRT's own operations, and their counts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.config import TrainingConfig
from models.lite import bilinear, image_spec
from models.segmentation import metrics
from models.segmentation.predictions import describe_mask

# So much that the least difference of two logits, times this, exceeds 1.
_STEEP = 1e30


def edge_head(
    image_size: int, num_classes: int
) -> tuple[str, tf.types.experimental.ConcreteFunction]:
    """Logits to class ids, as the SavedModel's signatures: resized bilinearly, then decided.

    Args:
        image_size: S, side of the logits.
        num_classes: C.

    Returns:
        `class_ids`, and what makes them: from `image`, uint8 [1, H, W, 3], and `logits`, float32
        [1, S, S, C], to uint8 [1, H, W].
    """
    logits_spec = tf.TensorSpec([1, image_size, image_size, num_classes], tf.float32, "logits")

    @tf.function(input_signature=[image_spec(), logits_spec], autograph=False)
    def function(image: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        rows = bilinear(tf.cast(image[0, :, 0, 0], tf.float32), image_size)
        columns = bilinear(tf.cast(image[0, 0, :, 0], tf.float32), image_size)
        planes = tf.transpose(tf.squeeze(logits, 0), [2, 0, 1])
        planes = tf.matmul(rows[tf.newaxis], planes)
        planes = tf.matmul(planes, columns[tf.newaxis], transpose_b=True)
        # Plane by plane, which XNNPACK computes several times faster than LiteRT its ARG_MAX.
        best = planes[:1]
        ids = tf.zeros_like(best)
        for class_id in range(1, num_classes):
            plane = planes[class_id : class_id + 1]
            is_better = tf.clip_by_value((plane - best) * _STEEP, 0.0, 1.0)
            ids += is_better * (class_id - ids)
            best = tf.maximum(best, plane)
        return tf.cast(ids, tf.uint8)

    return "class_ids", function.get_concrete_function()


def edge_answer(answer: tf.Tensor, size: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Return what `serve` answers for an image, by the edge model's answer.

    Args:
        answer: class ids, uint8 [height, width], maybe of an image that was made smaller.
        size: of the image, int64 [2], height and width.
        config: what was trained.
    """
    return describe_mask(answer, size, config.num_outputs)


def edge_counter(
    config: TrainingConfig,
) -> Callable[[tf.Tensor, npt.NDArray[Any]], dict[str, npt.NDArray[np.float64]]]:
    """Make what counts class ids, uint8 [H, W], against the true mask, uint8 [H, W]."""
    spec = tf.TensorSpec([None, None], tf.uint8)
    count = tf.function(
        lambda truth, mask: metrics.confusion_matrix(truth, mask, config.num_outputs),
        input_signature=[spec, spec],
        autograph=False,
    )
    return lambda truth, ids: {metrics.CONFUSION: count(truth, ids).numpy().astype(np.float64)}
