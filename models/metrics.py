"""Segmentation metrics, each a function of one confusion matrix.

Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010, define IoU by summing
the confusion matrix over all pixels of all images first, which is what is done here.
"""

import numpy as np
import tensorflow as tf


def confusion_matrix(truth: tf.Tensor, prediction: tf.Tensor, num_classes: int) -> tf.Tensor:
    """Counts pixels by (true class, predicted class).

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
    counts = tf.math.bincount(cells, minlength=num_classes**2, maxlength=num_classes**2)
    return tf.cast(tf.reshape(counts, (num_classes, num_classes)), tf.float32)


def iou_by_class(confusion: np.ndarray) -> np.ndarray:
    """Intersection over union of each class.

    Args:
        confusion: [C, C] pixel counts, rows true, columns predicted.

    Returns:
        float64 [C]; NaN for a class that is neither in the truth nor predicted.
    """
    confusion = np.asarray(confusion, np.float64)
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    with np.errstate(invalid="ignore"):
        return np.where(union > 0, intersection / union, np.nan)


def mean_iou(confusion: np.ndarray) -> float:
    """Mean of `iou_by_class` over the classes that occur; NaN when none does."""
    by_class = iou_by_class(confusion)
    present = by_class[~np.isnan(by_class)]
    return float(present.mean()) if present.size else float("nan")
