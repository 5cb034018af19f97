"""Classification metrics: counts of an image that add up, and the figures made of their sums."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.ratios import lower_bound, mean_of_judged, name_by_class, ratio

CONFUSION = "confusion_matrix"
RELIABILITY = "reliability"
_TOP_5 = "top_5_hits"
SCORES = "scores"
_TRUE_PROBABILITY = "true_probability"
# Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv:1706.04599).
RELIABILITY_BINS = 15
# AUROC comes from histograms of log-odds; the error of binning is far below one image's share.
SCORE_BINS = 128
LOG_ODDS = 8.0  # the bins are of equal width from -LOG_ODDS to LOG_ODDS
# For more classes the histograms of an image would take more room than the image.
_MAX_SCORED = 100


def count(probabilities: tf.Tensor, decided: tf.Tensor, labels: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return the counts of images, for `figures`.

    Args:
        probabilities: float32 [N, C].
        decided: class ids that the model decides for, int32 [N].
        labels: true class ids, int32 [N].

    Returns:
        float32, by `count_specs`' names, each [N, …]: `confusion_matrix`, by true and decided
        class; `top_5_hits`; `true_probability`; `reliability`, of each bin of confidence the
        images, the sum of confidences and the hits; `scores`, of each class and each bin of its
        probability's log-odds the images that are not, and that are, of the class.
    """
    num_classes = probabilities.shape[-1]
    likeliest = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    truth = tf.one_hot(labels, num_classes)
    hits = tf.cast(likeliest == labels, tf.float32)
    confidence = tf.reduce_max(probabilities, axis=-1)
    place = tf.minimum(tf.cast(confidence * RELIABILITY_BINS, tf.int32), RELIABILITY_BINS - 1)
    of_bin = tf.one_hot(place, RELIABILITY_BINS)[..., tf.newaxis]
    counts = {
        CONFUSION: truth[..., tf.newaxis] * tf.one_hot(decided, num_classes)[:, tf.newaxis],
        _TOP_5: tf.cast(tf.math.in_top_k(labels, probabilities, min(5, num_classes)), tf.float32),
        _TRUE_PROBABILITY: tf.reduce_sum(truth * probabilities, axis=-1),
        RELIABILITY: of_bin * tf.stack([tf.ones_like(hits), confidence, hits], -1)[:, tf.newaxis],
    }
    if num_classes <= _MAX_SCORED:
        log_odds = tf.math.log(probabilities + 1e-12) - tf.math.log1p(1e-12 - probabilities)
        share = tf.clip_by_value((log_odds / LOG_ODDS + 1) / 2, 0.0, 1.0)
        place = tf.minimum(tf.cast(share * SCORE_BINS, tf.int32), SCORE_BINS - 1)
        of_class = tf.stack([1 - truth, truth], -1)[:, :, tf.newaxis]
        counts[SCORES] = tf.one_hot(place, SCORE_BINS)[..., tf.newaxis] * of_class
    return counts


def count_specs(num_classes: int) -> dict[str, tf.TensorSpec]:
    """Shapes of `count`'s values for one image, all float32."""
    shapes = {
        CONFUSION: [num_classes, num_classes],
        _TOP_5: [],
        _TRUE_PROBABILITY: [],
        RELIABILITY: [RELIABILITY_BINS, 3],
    }
    if num_classes <= _MAX_SCORED:
        shapes[SCORES] = [num_classes, SCORE_BINS, 2]
    return {name: tf.TensorSpec(shape, tf.float32) for name, shape in shapes.items()}


def figures(
    sums: Mapping[str, npt.NDArray[np.float64]], class_names: Sequence[str]
) -> dict[str, Any]:
    """Every figure of summed counts.

    Args:
        sums: `count`'s values, added up over images.
        class_names: names by class id.

    Returns:
        `accuracy`; `top_5_accuracy`, NaN of five classes or fewer; `macro_f1` and `auroc`, means
        over the classes that can be judged; `calibration_error`, the mean distance of confidence
        and accuracy over the bins, weighted by their images; `true_probability`, a mean; and for
        each class NAME `f1_NAME`, `precision_NAME`, `recall_NAME`, `recall_bound_NAME`, which is
        its lower 95 % bound, and `auroc_NAME`, against all others. NaN stands for what there is
        nothing to judge by. `confusion_matrix`, `reliability` and, of two classes, which a limit
        may tell apart, `scores` are the sums themselves.
    """
    confusion, reliability = sums[CONFUSION], sums[RELIABILITY]
    images = confusion.sum()
    right = np.diag(confusion)
    true, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    by_class = {
        "f1": ratio(2 * right, true + predicted),
        "precision": ratio(right, predicted),
        "recall": ratio(right, true),
        "recall_bound": lower_bound(right, true),
        "auroc": _aurocs(sums.get(SCORES), len(class_names)),
    }
    top_5 = ratio(sums[_TOP_5], images) if len(class_names) > 5 else np.nan
    return {
        "accuracy": float(ratio(right.sum(), images)),
        "top_5_accuracy": float(top_5),
        "macro_f1": mean_of_judged(by_class["f1"]),
        "auroc": mean_of_judged(by_class["auroc"]),
        "calibration_error": float(
            ratio(np.abs(reliability[:, 1] - reliability[:, 2]).sum(), images)
        ),
        "true_probability": float(ratio(sums[_TRUE_PROBABILITY], images)),
        **name_by_class(by_class, class_names),
        CONFUSION: confusion,
        RELIABILITY: reliability,
        **({SCORES: sums[SCORES]} if len(class_names) == 2 else {}),
    }


def _aurocs(scores: npt.NDArray[np.float64] | None, num_classes: int) -> npt.NDArray[np.float64]:
    """Of each class: how often one of its images scores above another; a tie counts half.

    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
    curve", Radiology 1982.
    """
    if scores is None:
        return np.full(num_classes, np.nan)
    others, own = scores[..., 0], scores[..., 1]
    below = np.cumsum(others, axis=1) - others
    above_others = (own * (below + others / 2)).sum(axis=1)
    return ratio(above_others, own.sum(axis=1) * others.sum(axis=1))
