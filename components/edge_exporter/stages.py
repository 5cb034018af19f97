"""What stands before and behind the network in a LiteRT model, in LiteRT's own operations.

LiteRT resizes neither with antialiasing nor to a size that the graph works out, so both resizes are
products with matrices of weights, which processors compute at their best. Lengths come from sums
and running sums along the image's edges: a shape that is computed would make every tensor behind it
dynamic, and LiteRT would leave its fast kernels (XNNPACK) aside.
"""

import tensorflow as tf

# So much that the least difference of two logits, times this, exceeds 1.
_STEEP = 1e30


def before(image_size: int) -> tf.types.experimental.ConcreteFunction:
    """The pipeline's preprocessing, `models.preprocessing.resize_image`, of decoded pixels.

    Args:
        image_size: S, side of the network's input.

    Returns:
        From `image`, uint8 [1, H, W, 3] RGB, to float32 [1, S, S, 3], whole numbers in 0..255.
    """

    @tf.function(input_signature=[_image()])
    def function(image: tf.Tensor) -> tf.Tensor:
        channels = tf.cast(tf.transpose(tf.squeeze(image, 0), [2, 0, 1]), tf.float32)
        rows = _antialiased(channels[0, :, 0], image_size)
        columns = _antialiased(channels[0, 0, :], image_size)
        # Along the rows first: of the two products this one reads the whole image, as it lies.
        narrow = tf.matmul(channels, columns[tf.newaxis], transpose_b=True)
        small = tf.transpose(tf.matmul(rows[tf.newaxis], narrow), [1, 2, 0])
        return tf.round(tf.clip_by_value(small, 0.0, 255.0))[tf.newaxis]

    return function.get_concrete_function()


def behind(image_size: int, num_classes: int) -> tf.types.experimental.ConcreteFunction:
    """Logits to class ids, as the SavedModel's signatures: resized bilinearly, then decided.

    Args:
        image_size: S, side of the logits.
        num_classes: C.

    Returns:
        From `image`, uint8 [1, H, W, 3], and `logits`, float32 [1, S, S, C], to uint8 [1, H, W].
    """
    logits_spec = tf.TensorSpec([1, image_size, image_size, num_classes], tf.float32, "logits")

    @tf.function(input_signature=[_image(), logits_spec])
    def function(image: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        rows = _bilinear(tf.cast(image[0, :, 0, 0], tf.float32), image_size)
        columns = _bilinear(tf.cast(image[0, 0, :, 0], tf.float32), image_size)
        planes = tf.transpose(tf.squeeze(logits, 0), [2, 0, 1])
        planes = tf.matmul(rows[tf.newaxis], planes)
        planes = tf.matmul(planes, columns[tf.newaxis], transpose_b=True)
        # Plane by plane, which XNNPACK computes several times faster than LiteRT its ARG_MAX.
        best = planes[:1]
        ids = tf.zeros_like(best)
        for class_id in range(1, num_classes):
            plane = planes[class_id : class_id + 1]
            is_better = tf.clip_by_value((plane - best) * _STEEP, 0.0, 1.0)
            ids += is_better * (class_id - ids)
            best = tf.maximum(best, plane)
        return tf.cast(ids, tf.uint8)

    return function.get_concrete_function()


def _image() -> tf.TensorSpec:
    return tf.TensorSpec([1, None, None, 3], tf.uint8, "image")


def _centres(line: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of any L finite numbers: 0.5, 1.5, … L - 0.5, and L."""
    ones = line * 0.0 + 1.0
    return tf.cumsum(ones) - 0.5, tf.reduce_sum(ones)


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


def _bilinear(line: tf.Tensor, size: int) -> tf.Tensor:
    """Weights [L, size] that resize `size` values to L as `tf.image.resize` does."""
    centres, length = _centres(line)
    wanted = tf.clip_by_value(centres * (size / length) - 0.5, 0.0, size - 1.0)
    return tf.nn.relu(1.0 - tf.abs(wanted[:, tf.newaxis] - tf.range(size, dtype=tf.float32)))
