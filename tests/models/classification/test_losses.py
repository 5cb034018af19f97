"""The loss equals Keras' own of one-hot labels."""

import keras
import numpy as np
import pytest

from models.classification.losses import SmoothedCrossEntropy


def test_weights_of_classes_multiply_their_examples() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(16, 2)).astype("float32"), rng.integers(2, size=16)
    weighted = SmoothedCrossEntropy(0.1, class_weights=(5.0, 1.0))
    plain = [
        float(SmoothedCrossEntropy(0.1)(labels[i : i + 1], logits[i : i + 1])) for i in range(16)
    ]
    expected = np.mean(plain * np.where(labels == 0, 5.0, 1.0))
    assert float(weighted(labels, logits)) == pytest.approx(expected, 1e-5)
    again = SmoothedCrossEntropy.from_config(weighted.get_config())
    assert float(again(labels, logits)) == float(weighted(labels, logits))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_equals_keras(label_smoothing: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(16, 5)).astype("float32"), rng.integers(5, size=16)
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=label_smoothing
    )
    found = SmoothedCrossEntropy(label_smoothing)
    one_hot = np.eye(5, dtype="float32")[labels]
    assert float(found(labels, logits)) == pytest.approx(float(expected(one_hot, logits)), 1e-5)
    again = SmoothedCrossEntropy.from_config(found.get_config())
    assert float(again(labels, logits)) == float(found(labels, logits))
