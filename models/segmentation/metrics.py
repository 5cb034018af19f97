"""Segmentation metrics: counts of an image that add up, and the figures made of their sums.

Two counts serve everything. They are taken image by image, in the graph, and summed over the
images of a slice before anything is divided, as in Everingham et al., "The Pascal Visual Object
Classes Challenge", IJCV 2010.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.ratios import mean_of_judged, name_by_class, ratio

CONFUSION = "confusion_matrix"
BOUNDARY = "boundary_counts"
# Cheng et al., "Boundary IoU" (arXiv:2103.16562): a boundary is as wide as this share of the
# image's diagonal.
BOUNDARY_WIDTH = 0.02


def confusion_matrix(truth: tf.Tensor, prediction: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Count pixels by (true class, predicted class).

    Args:
        truth: class ids, any integer dtype, any shape.
        prediction: class ids, same shape.
        num_classes: C. A pixel whose true id is C or more is not counted.

    Returns:
        float32 [C, C]; exact up to 2**24 pixels in a cell.
    """
    truth = tf.reshape(tf.cast(truth, tf.int32), [-1])
    prediction = tf.reshape(tf.cast(prediction, tf.int32), [-1])
    cells = tf.where(truth < num_classes, truth * num_classes + prediction, num_classes**2)
    return tf.reshape(_count(cells, num_classes**2), (num_classes, num_classes))


def boundary_counts(truth: tf.Tensor, prediction: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Count the pixels of each class's boundary in truth and prediction.

    A mask's boundary is what erosion takes off it: its pixels with a pixel of another class, or
    the outside of the image, at most d rows and d columns away, where d is `BOUNDARY_WIDTH` of
    the diagonal, rounded, at least 1. Cheng et al., "Boundary IoU" (arXiv:2103.16562), whose code
    erodes with a square, too.

    Args:
        truth: class ids, any integer dtype, [height, width].
        prediction: class ids, same shape.
        num_classes: C. A pixel whose true id is C or more is not counted; it borders on classes,
            in truth and prediction alike, so that a right prediction scores 1 beside it.

    Returns:
        float32 [C, 2]: pixels that are in the class's boundary in both, and in either.
    """
    truth = tf.minimum(tf.cast(truth, tf.int32), num_classes)
    prediction = tf.where(truth == num_classes, truth, tf.cast(prediction, tf.int32))
    masks = tf.stack([truth, prediction])
    true, predicted = tf.unstack(tf.where(_near_another_class(masks), masks, num_classes))
    in_both = _count(tf.where(true == predicted, true, num_classes), num_classes)
    in_either = _count(true, num_classes) + _count(predicted, num_classes) - in_both
    return tf.stack([in_both, in_either], axis=-1)


def _near_another_class(masks: tf.Tensor) -> tf.Tensor:
    """Class ids, int32 [N, height, width], to bool: is the square around a pixel of two classes?"""
    diagonal = tf.norm(tf.cast(tf.shape(masks)[1:], tf.float64))
    width = tf.maximum(tf.cast(tf.round(BOUNDARY_WIDTH * diagonal), tf.int32), 1)
    around = [[0, 0], [width, width], [width, width]]
    padded = tf.pad(masks, around, constant_values=-1)
    corner = padded[:, :-1, :-1]
    mixed = (
        (corner != padded[:, 1:, :-1])
        | (corner != padded[:, :-1, 1:])
        | (corner != padded[:, 1:, 1:])
    )
    # A square is of one class if all of its 2 x 2 blocks are. How many are not comes from a
    # summed-area table, whose cost does not grow with the square, as a pooling's would.
    table = tf.cumsum(tf.cumsum(tf.cast(mixed, tf.int32), axis=1), axis=2)
    table = tf.pad(table, [[0, 0], [1, 0], [1, 0]])
    side = 2 * width
    top = table[:, :-side, side:] - table[:, :-side, :-side]
    bottom = table[:, side:, side:] - table[:, side:, :-side]
    return bottom > top


def _count(ids: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Tell how often 0 to num_classes - 1 occur: float32 [num_classes]."""
    counts = tf.math.bincount(ids, minlength=num_classes, maxlength=num_classes)
    return tf.cast(tf.ensure_shape(counts, [num_classes]), tf.float32)


def figures(
    confusion: npt.ArrayLike, boundary: npt.ArrayLike, class_names: Sequence[str]
) -> dict[str, float]:
    """Every figure of summed counts.

    Args:
        confusion: [C, C], sum of `confusion_matrix` over images.
        boundary: [C, 2], sum of `boundary_counts` over the same images.
        class_names: names by class id.

    Returns:
        `mean_iou` and `boundary_iou`, means over the classes that occur in truth or prediction;
        `pixel_accuracy`; and for each class NAME `iou_NAME`, `dice_NAME`, `precision_NAME`,
        `recall_NAME` and `boundary_iou_NAME`. NaN stands for what has no pixel to be judged by:
        all of a class that occurs in neither, the recall of one that is not in the truth, the
        precision of one that is never predicted.
    """
    confusion = np.asarray(confusion, np.float64)
    in_both, in_either = np.asarray(boundary, np.float64).T
    right = np.diag(confusion)
    true, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    by_class = {
        "iou": ratio(right, true + predicted - right),
        "dice": ratio(2 * right, true + predicted),
        "precision": ratio(right, predicted),
        "recall": ratio(right, true),
        "boundary_iou": ratio(in_both, in_either),
    }
    return {
        "mean_iou": mean_of_judged(by_class["iou"]),
        "pixel_accuracy": float(ratio(right.sum(), confusion.sum())),
        "boundary_iou": mean_of_judged(by_class["boundary_iou"]),
        **name_by_class(by_class, class_names),
    }
