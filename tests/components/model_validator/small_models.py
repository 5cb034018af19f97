"""Models that promise what an exported one does, and compute next to nothing."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from models import preprocessing
from tests.models.drawn_pets import IMAGE_SIZE, NUM_CLASSES

Function = tf.types.experimental.ConcreteFunction
LOGITS = [1, IMAGE_SIZE, IMAGE_SIZE, NUM_CLASSES]


def network(
    answer: Callable[[tf.Tensor], tf.Tensor], dtype: tf.DType = tf.float32, name: str = "logits"
) -> Function:
    """A network that gives what a function makes of its pixels."""
    spec = tf.TensorSpec([1, IMAGE_SIZE, IMAGE_SIZE, 3], dtype, "pixels")
    return tf.function(lambda pixels: {name: answer(pixels)}).get_concrete_function(spec)


def serve(mask: Callable[[tf.Tensor], tf.Tensor]) -> Function:
    """A serving_default whose PNGs are what a function makes of an image, uint8 [H, W, 3]."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def function(image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "mask_png_bytes": tf.map_fn(
                lambda content: mask(preprocessing.decode_image(content)), image_bytes
            ),
            "class_fractions": tf.zeros([tf.size(image_bytes), NUM_CLASSES]),
        }

    return function.get_concrete_function()


def black(image: tf.Tensor) -> tf.Tensor:
    """A mask of the image's size."""
    return tf.io.encode_png(tf.zeros_like(image[..., :1]))


def export(path: Path, **functions: Function | None) -> Path:
    """Writes a sound model, with other functions as some of its signatures; None leaves one out."""

    def parsed(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        feature = tf.io.FixedLenFeature([], tf.string)
        return tf.io.parse_example(examples, dict.fromkeys(preprocessing.RAW_FEATURES, feature))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def transform(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return preprocessing.preprocessing_fn(
            parsed(examples), {"image_size": IMAGE_SIZE, "task": "segmentation"}
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        images, count = parsed(examples)[preprocessing.IMAGE], tf.size(examples)
        return {
            "mask_png_bytes": tf.map_fn(
                lambda content: black(preprocessing.decode_image(content)), images
            ),
            "confusion_matrix": tf.zeros([count, NUM_CLASSES, NUM_CLASSES]),
            "boundary_counts": tf.zeros([count, NUM_CLASSES, 2]),
        }

    signatures = {
        "serving_default": serve(black),
        "from_examples": evaluate,
        "transform_features": transform,
        "network": network(lambda pixels: tf.zeros(LOGITS)),
        **functions,
    }
    kept = {name: function for name, function in signatures.items() if function is not None}
    tf.saved_model.save(tf.Module(), str(path), signatures=kept)
    return path
