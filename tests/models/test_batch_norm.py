"""The fused layer against Keras' own."""

import keras
import numpy as np
import pytest

from models import precision
from models.batch_norm import FusedBatchNormalization


def feature_maps(number: int) -> np.ndarray:
    rng = np.random.default_rng(number)
    return rng.normal(1.5, 2.0, (4, 6, 6, 3)).astype(np.float32)


def both() -> tuple[keras.Model, keras.Model]:
    """The same network with the fused layer and with Keras' own."""
    models = []
    for layer in (FusedBatchNormalization, keras.layers.BatchNormalization):
        inputs = keras.Input((6, 6, 3))
        model = keras.Model(inputs, layer(momentum=0.9)(inputs))
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
        models.append(model)
    return models[0], models[1]


def test_trains_and_infers_as_keras_does() -> None:
    fused, plain = both()
    for step in range(5):
        x, y = feature_maps(step), feature_maps(100 + step)
        losses = [float(model.train_on_batch(x, y)) for model in (fused, plain)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    pixels = 4 * 6 * 6
    gamma, beta, mean, variance = fused.get_weights()
    expected = plain.get_weights()
    np.testing.assert_allclose(gamma, expected[0], rtol=1e-3)
    np.testing.assert_allclose(beta, expected[1], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(mean, expected[2], rtol=1e-4)
    # Unbiased, but for the share of the variance that the layer began with.
    np.testing.assert_allclose(variance, expected[3], rtol=1.1 / (pixels - 1))
    assert (variance > expected[3]).all()
    fused.set_weights(expected)
    x = feature_maps(50)
    np.testing.assert_allclose(fused.predict_on_batch(x), plain.predict_on_batch(x), atol=1e-5)


def test_frozen_it_keeps_its_statistics() -> None:
    fused, _ = both()
    layer = fused.layers[-1]
    layer.trainable = False
    before = layer.get_weights()
    fused(feature_maps(0), training=True)
    for value, old in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(value, old)


def test_statistics_stay_float32_in_mixed_precision() -> None:
    with precision.applied("mixed_bfloat16"):
        inputs = keras.Input((6, 6, 3), dtype="bfloat16")
        model = keras.Model(inputs, FusedBatchNormalization(momentum=0.9)(inputs))
    x = keras.ops.cast(feature_maps(0), "bfloat16")
    for training in (True, False):
        assert model(x, training=training).dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    mean = model.layers[-1].moving_mean.numpy()
    np.testing.assert_allclose(mean, 0.1 * feature_maps(0).mean((0, 1, 2)), rtol=0.01)
