"""The network of airbench, which learns small images in few epochs.

Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024 (arXiv:2404.00498): a first
layer of 2 x 2 whitening filters, six 3 x 3 convolutions that begin as the identity, and logits
scaled down. Here the activation follows the pooling, and BatchNorm has no scale, as there; the
weights of its offsets learn `_BIAS_RATE` times as fast.
"""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops

from models.batch_norm import FusedBatchNormalization
from models.convolution import Convolution

STRIDE = 32
_WHITENED = 2  # side of the patches
_PATCH = 3 * _WHITENED**2  # their values
_WIDTHS = (64, 128, 128)
_MOMENTUM = 0.8  # there 0.6, of batches of 1,024
_EPSILON = 1e-5
# Added to the patches' variances: directions of hardly any are not blown up to noise.
_RIDGE = 5e-4
_LOGIT_SCALE = 1 / 9
# A weight that is multiplied by this in its layer learns as if its rate were multiplied by 64.
_BIAS_SCALE = 8.0


def build(image_size: int, num_outputs: int) -> keras.Model:
    """Build the network.

    Args:
        image_size: S, a multiple of STRIDE.
        num_outputs: C.

    Returns:
        A model from float32 [N, S, S, 3] in 0..255 to logits float32 [N, C].
    """
    inputs = keras.Input((image_size, image_size, 3), name="image")
    x = layers.Rescaling(1 / 63.75, offset=-2.0, name="scale")(inputs)
    whiten = layers.Conv2D(2 * _PATCH, _WHITENED, use_bias=False, name="whiten")
    whiten.trainable = False
    x = layers.Activation("gelu")(whiten(x))
    for width in _WIDTHS:
        x = _normalised(layers.MaxPooling2D()(_convolution(x, width)))
        x = _normalised(_convolution(x, width))
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Dense(num_outputs, use_bias=False, dtype="float32")(x)
    logits = layers.Rescaling(_LOGIT_SCALE, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="airbench")


def adapt(
    model: keras.Model,
    images: tf.data.Dataset,
    mean: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]],
) -> None:
    """Set the whitening filters, each scaled to variance 1.

    They are the principal directions of the images' patches, and their opposites.

    Args:
        model: from `build`.
        images: batches of training images, uint8 [N, S, S, 3].
        mean: averages an array over all machines that train.
    """
    # In float32, whatever the network computes in: bfloat16 makes variances of less than 0.
    settings = model.get_layer("scale").get_config() | {"dtype": "float32"}
    covariance = mean(_covariance(images.map(layers.Rescaling.from_config(settings))))
    values, vectors = np.linalg.eigh(covariance)
    filters = (vectors / np.sqrt(np.maximum(values, 0) + _RIDGE))[:, ::-1]
    filters = np.concatenate([filters, -filters], axis=1)
    model.get_layer("whiten").set_weights([filters.reshape(_WHITENED, _WHITENED, 3, -1)])


def _covariance(images: tf.data.Dataset) -> npt.NDArray[np.float32]:
    """Of the patches of images, float32 [N, S, S, 3]: float32 [12, 12]."""

    def add(sums: tuple[tf.Tensor, ...], batch: tf.Tensor) -> tuple[tf.Tensor, ...]:
        side = [1, _WHITENED, _WHITENED, 1]
        patches = tf.image.extract_patches(batch, side, [1] * 4, [1] * 4, "VALID")
        patches = tf.reshape(patches, [-1, _PATCH])
        count, total, products = sums
        return (
            count + tf.cast(tf.shape(patches)[0], tf.float64),
            total + tf.cast(tf.reduce_sum(patches, axis=0), tf.float64),
            products + tf.cast(tf.matmul(patches, patches, transpose_a=True), tf.float64),
        )

    zeros = [tf.zeros(shape, tf.float64) for shape in ([], [_PATCH], [_PATCH, _PATCH])]
    count, total, products = images.reduce(tuple(zeros), add)
    average = total / count
    return (products / count - tf.tensordot(average, average, 0)).numpy().astype(np.float32)


class Identity(keras.initializers.Initializer):
    """Filters of which the first ones hand their channels on; the others are drawn at random."""

    def __call__(self, shape, dtype=None):
        """Return a kernel of `shape`, [height, width, inputs, outputs]."""
        kernel = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")(shape, dtype)
        height, width, inputs, outputs = shape
        same = np.zeros(shape, "float32")
        same[height // 2, width // 2, range(inputs), range(inputs)] = 1.0
        first = np.arange(outputs) < inputs
        return ops.where(first, ops.cast(same, dtype), kernel)


@keras.saving.register_keras_serializable("models")
class Offset(layers.Layer):
    """Adds a weight to each channel, which learns faster than others."""

    def build(self, input_shape) -> None:
        """Keras' hook."""
        self.bias = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", dtype="float32", name="bias"
        )

    def call(self, inputs):  # noqa: D102 - Keras' signature
        return inputs + ops.cast(_BIAS_SCALE * self.bias, inputs.dtype)


def _convolution(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    return Convolution(filters, 3, padding="same", use_bias=False, kernel_initializer=Identity())(x)


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    x = FusedBatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, center=False, scale=False)(x)
    return layers.Activation("gelu")(Offset()(x))
