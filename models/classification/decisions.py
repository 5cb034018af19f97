"""A class by a threshold, where one of two classes must not be missed."""

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.config import DecisionRule, Thresholds, TrainingConfig

REVIEW = "look at it"
# Another processor may compute the last digits of a probability otherwise.
_ROUNDED = 1e-5


def find_thresholds(
    probabilities: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int32],
    class_names: tuple[str, ...],
    rule: DecisionRule,
) -> Thresholds:
    """Find the largest thresholds that meet a rule.

    Args:
        probabilities: calibrated, [N, 2], of images that neither trained nor judge the model.
        labels: their class ids, [N].
        class_names: by class id.
        rule: what is to be met.

    Raises:
        ValueError: no image is of the positive class.
    """
    positive = class_names.index(rule.positive_class)
    own = np.sort(probabilities[labels == positive, positive])[::-1].astype(np.float64)
    if not own.size:
        raise ValueError(
            f"The split `calibration` has no image of class {rule.positive_class}, so no threshold "
            "can be chosen: add such images to it."
        )

    def largest(recall: float) -> float:
        found = own[max(math.ceil(recall * own.size - 1e-9), 1) - 1]
        return float(found * (1 - _ROUNDED))

    decide = largest(rule.recall)
    return Thresholds(decide=decide, review=min(decide, largest(rule.review_recall or rule.recall)))


def decide(probabilities: tf.Tensor, config: TrainingConfig) -> tf.Tensor:
    """Class ids, int32 [N], of probabilities, float32 [N, C]: by the threshold, if there is one."""
    if config.decision is None or config.thresholds is None:
        return tf.argmax(probabilities, axis=-1, output_type=tf.int32)
    positive = config.class_names.index(config.decision.positive_class)
    found = probabilities[:, positive] >= config.thresholds.decide
    return tf.where(found, positive, 1 - positive)


def mark_doubtful(names: tf.Tensor, probabilities: tf.Tensor, config: TrainingConfig) -> tf.Tensor:
    """Name of the decided classes, string [N], or REVIEW in the band below the threshold."""
    assert config.decision is not None and config.thresholds is not None
    own = probabilities[:, config.class_names.index(config.decision.positive_class)]
    doubtful = (own >= config.thresholds.review) & (own < config.thresholds.decide)
    return tf.where(doubtful, REVIEW, names)
