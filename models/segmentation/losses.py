"""The training loss."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("models")
class CrossEntropyDice(keras.losses.Loss):
    """Pixel-wise cross-entropy plus soft Dice over the classes of a batch.

    Dice weighs every class alike however few its pixels, which keeps thin classes such as the
    border from being ignored. Milletari et al., "V-Net", 2016 (arXiv:1606.04797); the sum of both
    follows Isensee et al., "nnU-Net", 2018 (arXiv:1809.10486). On several replicas Dice is that of
    each one's share of the batch, and the mean is taken of their losses.

    Pixels whose id is no class, such as a recipe's `ignore_label`, count in neither part.

    Args:
        label_smoothing: share of the truth that cross-entropy spreads over all classes.
        name: Keras' name of it.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "cross_entropy_dice") -> None:
        super().__init__(name=name, reduction="sum_over_batch_size")
        self.label_smoothing = label_smoothing

    def get_config(self) -> dict[str, str | float]:
        """Return what `__init__` takes, so that a saved model loads."""
        return {"name": self.name, "label_smoothing": self.label_smoothing}

    def call(self, y_true, y_pred):  # noqa: D102 - Keras' signature
        ids, num_classes = ops.cast(y_true, "int32"), y_pred.shape[-1]
        labels = ops.one_hot(ids, num_classes, dtype="float32")
        log_probabilities = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        counted = ops.expand_dims(ops.cast(ids < num_classes, "float32"), -1)
        truth = labels
        if self.label_smoothing:
            spread = counted / num_classes
            truth = (1 - self.label_smoothing) * labels + self.label_smoothing * spread
        cross_entropy = -ops.divide_no_nan(
            ops.mean(ops.sum(truth * log_probabilities, axis=-1)), ops.mean(counted)
        )
        probabilities = ops.exp(log_probabilities) * counted
        overlap = ops.sum(probabilities * labels, axis=(0, 1, 2))
        total = ops.sum(probabilities + labels, axis=(0, 1, 2))
        dice = ops.mean((2.0 * overlap + 1.0) / (total + 1.0))
        # As a vector of one: Keras does not divide a scalar by the number of replicas.
        return ops.expand_dims(cross_entropy + 1.0 - dice, 0)
