"""The training loss."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("models")
class SmoothedCrossEntropy(keras.losses.Loss):
    """Cross-entropy of class ids, with label smoothing.

    Szegedy et al., "Rethinking the Inception Architecture", 2015 (arXiv:1512.00567), section 7.

    Args:
        label_smoothing: share of the truth that is spread over all classes.
        class_weights: what an example counts, by class id; none is 1 for all.
        name: Keras' name of it.
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        class_weights: Sequence[float] = (),
        name: str = "smoothed_cross_entropy",
    ) -> None:
        super().__init__(name=name, reduction="sum_over_batch_size")
        self.label_smoothing = label_smoothing
        self.class_weights = tuple(class_weights)

    def get_config(self) -> dict[str, Any]:
        """Return what `__init__` takes, so that a saved model loads."""
        return {
            "name": self.name,
            "label_smoothing": self.label_smoothing,
            "class_weights": self.class_weights,
        }

    def call(self, y_true, y_pred):  # noqa: D102 - Keras' signature
        logits = ops.cast(y_pred, "float32")
        ids = ops.cast(ops.reshape(y_true, [-1]), "int32")
        truth = ops.one_hot(ids, logits.shape[-1], dtype="float32")
        log_probabilities = ops.log_softmax(logits, axis=-1)
        smooth = self.label_smoothing
        of_truth = ops.sum(truth * log_probabilities, axis=-1)
        losses = -((1 - smooth) * of_truth + smooth * ops.mean(log_probabilities, axis=-1))
        if not self.class_weights:
            return losses
        return losses * ops.take(ops.convert_to_tensor(self.class_weights, "float32"), ids)
