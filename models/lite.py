"""Resizing in LiteRT's own operations, before and behind the network of a model for the edge.

LiteRT resizes neither with antialiasing nor to a size that the graph works out, so both resizes are
products with matrices of weights, which processors compute at their best. Lengths come from sums
and running sums along the image's edges: a shape that is computed would make every tensor behind it
dynamic, and LiteRT would leave its fast kernels (XNNPACK) aside.
"""

import tensorflow as tf


def resize_image(image_size: int) -> tf.types.experimental.ConcreteFunction:
    """Return the pipeline's preprocessing, `models.preprocessing.resize_image`, of decoded pixels.

    Args:
        image_size: S, side of the network's input.

    Returns:
        From `image`, uint8 [1, H, W, 3] RGB, to float32 [1, S, S, 3], whole numbers in 0..255.
    """

    @tf.function(input_signature=[image_spec()], autograph=False)
    def function(image: tf.Tensor) -> tf.Tensor:
        channels = tf.cast(tf.transpose(tf.squeeze(image, 0), [2, 0, 1]), tf.float32)
        rows = _antialiased(channels[0, :, 0], image_size)
        columns = _antialiased(channels[0, 0, :], image_size)
        # Along the rows first: of the two products this one reads the whole image, as it lies.
        narrow = tf.matmul(channels, columns[tf.newaxis], transpose_b=True)
        small = tf.transpose(tf.matmul(rows[tf.newaxis], narrow), [1, 2, 0])
        return tf.round(tf.clip_by_value(small, 0.0, 255.0))[tf.newaxis]

    return function.get_concrete_function()


def image_spec() -> tf.TensorSpec:
    """`image`: uint8 [1, H, W, 3] RGB."""
    return tf.TensorSpec([1, None, None, 3], tf.uint8, "image")


def bilinear(line: tf.Tensor, size: int) -> tf.Tensor:
    """Weights [L, size] that resize `size` values to L as `tf.image.resize` does."""
    centres, length = _centres(line)
    wanted = tf.clip_by_value(centres * (size / length) - 0.5, 0.0, size - 1.0)
    return tf.nn.relu(1.0 - tf.abs(wanted[:, tf.newaxis] - tf.range(size, dtype=tf.float32)))


def _antialiased(line: tf.Tensor, size: int) -> tf.Tensor:
    """Weights [size, L] that resize L pixels as `tf.image.resize` does with `antialias`.

    A triangle around each new pixel's centre, as wide as a new pixel where that is the larger one.
    """
    centres, length = _centres(line)
    scale = length / size
    wanted = (tf.range(size, dtype=tf.float32) + 0.5) * scale
    distance = tf.abs(wanted[:, tf.newaxis] - centres[tf.newaxis]) / tf.maximum(scale, 1.0)
    weights = tf.nn.relu(1.0 - distance)
    return weights / tf.reduce_sum(weights, axis=1, keepdims=True)


def _centres(line: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of any L finite numbers: 0.5, 1.5, … L - 0.5, and L."""
    ones = line * 0.0 + 1.0
    return tf.cumsum(ones) - 0.5, tf.reduce_sum(ones)
