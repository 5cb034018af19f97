"""The layers against Keras' own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import precision
from models.convolution import Convolution, SeparableConvolution

_IMAGES = np.random.default_rng(0).normal(size=(2, 6, 8, 3)).astype(np.float32)
_KEPT = {"padding": "same", "use_bias": True}


def compute(
    layer: keras.layers.Layer, weights: list | None = None, traced: bool = True
) -> list[np.ndarray]:
    """Of a training step: the outputs, and the gradients of images and weights."""
    images = tf.Variable(_IMAGES)
    layer.build(images.shape)
    if weights is not None:
        layer.set_weights(weights)

    def step():
        with tf.GradientTape() as tape:
            arguments = {"training": True} if layer._call_has_training_arg else {}
            outputs = layer(images, **arguments)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 3)
        return outputs, *tape.gradient(loss, [images, *(w.value for w in layer.weights)])

    return [value.numpy() for value in (tf.function(step) if traced else step)()]


@pytest.mark.parametrize(
    ("kernel_size", "settings"),
    [
        (1, _KEPT),
        (3, _KEPT),
        ((3, 1), {**_KEPT, "activation": "relu"}),
        (1, {"padding": "valid", "use_bias": False}),
        (2, _KEPT),
        (3, {"padding": "valid"}),
        (3, {**_KEPT, "strides": 2}),
        (3, {**_KEPT, "dilation_rate": 2}),
    ],
)
@pytest.mark.parametrize(
    ("ours", "keras_own"),
    [
        (Convolution, keras.layers.Conv2D),
        (SeparableConvolution, keras.layers.SeparableConv2D),
    ],
)
def test_outputs_and_gradients_are_those_of_keras(ours, keras_own, kernel_size, settings) -> None:
    layer = ours(5, kernel_size, **settings)
    found = compute(layer)
    expected = compute(keras_own(5, kernel_size, **settings), layer.get_weights())
    assert len(found) == len(expected)
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=1e-3)


def test_filters_in_groups_are_those_of_keras() -> None:
    layer = Convolution(6, 3, padding="same", groups=3)
    found = compute(layer)
    expected = compute(keras.layers.Conv2D(6, 3, padding="same", groups=3), layer.get_weights())
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", [Convolution, SeparableConvolution])
def test_a_step_that_is_not_traced_is_the_same(kind: type[keras.layers.Layer]) -> None:
    layer = kind(5, 3, padding="same")
    found = compute(layer, traced=False)
    expected = compute(kind(5, 3, padding="same"), layer.get_weights())
    for value, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", [Convolution, SeparableConvolution])
def test_a_training_step_needs_no_slow_operation(kind: type[keras.layers.Layer]) -> None:
    layer = kind(5, 3 if kind is Convolution else 1, padding="same")

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
        return tape.gradient(outputs, images)

    graph = step.get_concrete_function(tf.TensorSpec(_IMAGES.shape)).graph
    assert "Conv2DBackpropInput" not in {operation.type for operation in graph.get_operations()}


def test_inference_is_keras_own() -> None:
    layer = Convolution(5, 3, padding="same")
    graph = tf.function(layer).get_concrete_function(tf.TensorSpec(_IMAGES.shape)).graph
    assert "IdentityN" not in {operation.type for operation in graph.get_operations()}


def test_it_computes_in_mixed_precision() -> None:
    with precision.applied("mixed_bfloat16"):
        layer = Convolution(5, 3, padding="same")
    outputs, of_images, of_kernel, of_bias = compute(layer)
    assert outputs.dtype == "bfloat16"
    assert {of_images.dtype.name, of_kernel.dtype.name, of_bias.dtype.name} == {"float32"}
