"""The one home of preprocessing: run by tf.Transform, stored in its graph, and read from there.

Training, evaluation and every signature of the served model call the graph that Transform wrote
from `preprocessing_fn`; nothing else decodes or resizes an input. Scaling to the network's range
is the network's own first layer, so that what leaves this file is whole 0..255 pixels, which a
cache or an int8 model can hold as uint8 without loss.
"""

from typing import Any

import tensorflow as tf

from models.registry import load_learning

IMAGE = "image"
LABEL = "label"
SIZE = "size"
RAW_FEATURES = (IMAGE, LABEL)

# Pillow and TensorFlow then decode a JPEG to the same pixels; TensorFlow's default is a faster,
# less exact inverse DCT.
_DCT_METHOD = "INTEGER_ACCURATE"


def decode_image(image_bytes: tf.Tensor) -> tf.Tensor:
    """Decode one JPEG or PNG.

    Args:
        image_bytes: scalar string, the encoded image.

    Returns:
        uint8 [height, width, 3], RGB.

    Raises:
        tf.errors.InvalidArgumentError: the bytes are not an image that TensorFlow decodes.
    """
    return tf.io.decode_jpeg(image_bytes, channels=3, dct_method=_DCT_METHOD)


def resize_image(image: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resize with an antialiased triangle filter; the aspect ratio is not kept.

    Args:
        image: uint8 [height, width, 3].
        image_size: side of the square result, in pixels.

    Returns:
        float32 [image_size, image_size, 3], whole numbers in 0..255.
    """
    resized = tf.image.resize(image, (image_size, image_size), antialias=True)
    return tf.ensure_shape(
        tf.round(tf.clip_by_value(resized, 0.0, 255.0)), (image_size, image_size, 3)
    )


def written_type(label: tf.TensorSpec) -> tf.DType:
    """Return the type that Transform writes a label as, which knows no others."""
    return tf.float32 if label.dtype.is_floating else tf.int64


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """tf.Transform's callback: encoded images and labels to what a model trains on.

    Args:
        inputs: `image`, string [N], and `label`, of the task's own type, [N]; other features are
            ignored.
        custom_config: `image_size`, the side of the network's input in pixels, and `task`, the
            name of the task.

    Returns:
        `image`: float32 [N, S, S, 3], whole numbers in 0..255; `label`: int64 or float32, as the
        task resizes it; `size`: int64 [N, 2], each image's own height and width.
    """
    image_size = custom_config["image_size"]
    learning = load_learning(custom_config["task"])
    spec = learning.label_spec(image_size)
    label_type = written_type(spec)

    def image_and_size(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = decode_image(image_bytes)
        return resize_image(image, image_size), tf.shape(image, out_type=tf.int64)[:2]

    def label(raw: tf.Tensor) -> tf.Tensor:
        return tf.cast(learning.resize_label(learning.decode_label(raw), image_size), label_type)

    images, sizes = tf.map_fn(
        image_and_size,
        inputs[IMAGE],
        fn_output_signature=(
            tf.TensorSpec((image_size, image_size, 3), tf.float32),
            tf.TensorSpec((2,), tf.int64),
        ),
    )
    labels = tf.map_fn(
        label, inputs[LABEL], fn_output_signature=tf.TensorSpec(spec.shape, label_type)
    )
    return {IMAGE: images, LABEL: labels, SIZE: sizes}
