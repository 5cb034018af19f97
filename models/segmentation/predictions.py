"""Logits to masks of each image's own size, and the masks' counts against the truth."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from models.config import TrainingConfig
from models.segmentation import metrics
from models.segmentation.labels import decode_mask

MASKS = "mask_png_bytes"
FRACTIONS = "class_fractions"
# Half the time of zlib's own choice, for masks of 3 KB instead of 2.
_PNG_COMPRESSION = 3
# Pixels up to which a mask is computed at its image's own size; a larger one is enlarged, since
# the logits of 50 megapixels alone would take gigabytes.
MAX_MASK = 4_000_000


def serve(logits: tf.Tensor, sizes: tf.Tensor, config: TrainingConfig) -> dict[str, tf.Tensor]:
    """Images' masks.

    Args:
        logits: float32 [N, S, S, C].
        sizes: of the images, int64 [N, 2], height and width.
        config: what was trained.

    Returns:
        `mask_png_bytes`: string [N], PNGs of class ids, each of its image's own size;
        `class_fractions`: float32 [N, C], each class's share of the pixels.
    """

    def answer(logits_and_size: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits, size = logits_and_size
        return describe_mask(_decide(logits, size), size, config.num_outputs)

    served, _ = answers(config)
    # One at a time: a mask of the largest image takes a tenth of a gigabyte.
    return tf.map_fn(answer, (logits, sizes), parallel_iterations=1, fn_output_signature=served)


def describe_mask(mask: tf.Tensor, size: tf.Tensor, num_classes: int) -> dict[str, tf.Tensor]:
    """Return what `serve` answers for an image, by its mask.

    Args:
        mask: class ids, uint8 [height, width], maybe smaller than the image.
        size: of the image, int64 [2], height and width.
        num_classes: C.
    """
    counts = tf.math.bincount(
        tf.cast(tf.reshape(mask, [-1]), tf.int32), minlength=num_classes, maxlength=num_classes
    )
    fractions = tf.cast(counts / tf.size(mask), tf.float32)
    return {
        MASKS: _encode(_enlarge(mask, size)),
        FRACTIONS: tf.ensure_shape(fractions, [num_classes]),
    }


def judge(
    logits: tf.Tensor, sizes: tf.Tensor, raw: tf.Tensor, config: TrainingConfig
) -> dict[str, tf.Tensor]:
    """Images' masks, and their counts against the truth at each image's own size.

    Args:
        logits: as in `serve`, like `sizes` and `config`.
        sizes: likewise.
        raw: the true masks, string [N].
        config: likewise.

    Returns:
        `mask_png_bytes`: string [N], as in `serve`; `confusion_matrix`: float32 [N, C, C], and
        `boundary_counts`: float32 [N, C, 2], as in `models.segmentation.metrics`.
    """
    num_classes = config.num_outputs

    def answer(elements: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits, size, mask_bytes = elements
        mask = _enlarge(_decide(logits, size), size)
        truth = decode_mask(mask_bytes)
        return {
            MASKS: _encode(mask),
            metrics.CONFUSION: metrics.confusion_matrix(truth, mask, num_classes),
            metrics.BOUNDARY: metrics.boundary_counts(truth, mask, num_classes),
        }

    _, judged = answers(config)
    return tf.map_fn(answer, (logits, sizes, raw), fn_output_signature=judged)


def describe_answer(told: Mapping[str, Any], config: TrainingConfig) -> dict[str, float]:
    """Each class's share of an image.

    Args:
        told: what `serve` gives for one image.
        config: whose class names are used.
    """
    shares = zip(config.class_names, told[FRACTIONS], strict=True)
    return {f"share of {name}": float(share) for name, share in shares}


def logits_spec(image_size: int, num_classes: int) -> tf.TensorSpec:
    """Logits of one image: float32 [S, S, C]."""
    return tf.TensorSpec([image_size, image_size, num_classes], tf.float32)


def answers(
    config: TrainingConfig,
) -> tuple[dict[str, tf.TensorSpec], dict[str, tf.TensorSpec]]:
    """Return what `serve` and `judge` give for one image."""
    masks = {MASKS: tf.TensorSpec([], tf.string)}
    return (
        {**masks, FRACTIONS: tf.TensorSpec([config.num_outputs], tf.float32)},
        {**masks, **count_specs(config.num_outputs)},
    )


def count_specs(num_classes: int) -> dict[str, tf.TensorSpec]:
    """Return the counts of one image's mask."""
    return {
        metrics.CONFUSION: tf.TensorSpec([num_classes, num_classes], tf.float32),
        metrics.BOUNDARY: tf.TensorSpec([num_classes, 2], tf.float32),
    }


def _decide(logits: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Class ids, uint8, of logits [S, S, C]: resized first, then decided.

    They have the image's own size, [height, width], or MAX_MASK pixels of the same shape.
    """
    pixels = tf.cast(tf.reduce_prod(size), tf.float64)
    scale = tf.sqrt(tf.minimum(MAX_MASK / pixels, 1.0))
    decided = tf.maximum(tf.cast(tf.cast(size, tf.float64) * scale, tf.int32), 1)
    logits = tf.image.resize(logits, decided)
    return tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32), tf.uint8)


def _enlarge(mask: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Return a mask, uint8 [h, w], at its image's own size, [height, width]."""
    size = tf.cast(size, tf.int32)
    return tf.cond(
        tf.reduce_all(tf.shape(mask) == size),
        lambda: mask,
        lambda: tf.image.resize(mask[..., tf.newaxis], size, "nearest")[..., 0],
    )


def _encode(mask: tf.Tensor) -> tf.Tensor:
    return tf.io.encode_png(mask[..., tf.newaxis], compression=_PNG_COMPRESSION)
