"""SavedModels with the served signature of the real ones, and known answers, made in a moment."""

from pathlib import Path

import tensorflow as tf

from components.edge_exporter.export import METADATA
from components.edge_exporter.flatbuffer import with_files
from models import uploads
from models.batches import prepare_files
from models.provenance import Provenance, write_provenance
from pipeline.recipes import load_recipe


class Tiny(tf.Module):
    """Says that every pixel is of one class.

    Args:
        answer: the class.
    """

    def __init__(self, answer: int) -> None:
        super().__init__()
        self._answer = answer

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")], autograph=False)
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        def prepare(encoded: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor]]:
            fault = uploads.find_fault(encoded, max_megapixels=50)
            return fault, tf.cond(fault == "", lambda: mask(encoded), lambda: (tf.constant(""),))

        def mask(encoded: tf.Tensor) -> tuple[tf.Tensor]:
            opened, _ = uploads.open_upload(encoded)
            image = tf.io.decode_jpeg(opened, channels=3)
            ids = tf.fill([tf.shape(image)[0], tf.shape(image)[1], 1], self._answer)
            return (tf.io.encode_png(tf.cast(ids, tf.uint8)),)

        [masks] = prepare_files(prepare, image_bytes, [tf.TensorSpec([], tf.string)])
        shares = tf.one_hot(tf.fill([tf.size(image_bytes)], self._answer), 3)
        return {"mask_png_bytes": masks, "class_fractions": shares}


class TinyClassifier(tf.Module):
    """Says that every image is a dog, by a little."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        count = tf.size(image_bytes)
        return {
            "label": tf.fill([count], tf.constant(1, tf.int64)),
            "class_name": tf.fill([count], "[b]dog"),
            "probabilities": tf.tile([[0.25, 0.5, 0.125, 0.125]], [count, 1]),
        }


def push_tiny(folder: Path, version: int, answer: int) -> Path:
    """Writes a version, whole or not at all, as the Pusher does."""
    return push(folder, version, Tiny(answer))


def push(folder: Path, version: int, module: Tiny | TinyClassifier) -> Path:
    """Likewise, of any model."""
    incoming = folder / f".incoming-{version}"
    tf.saved_model.save(module, str(incoming), signatures={"serving_default": module.serve})
    return incoming.rename(folder / str(version))


def write_lite(file: Path, recipe: str = "scenes") -> Path:
    """Writes a LiteRT file whose mask is 1 where an image is bright, and 0 elsewhere."""

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, "image")])
    def network(image: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.cast(image[..., 0], tf.float32) > 127, tf.uint8)

    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [network.get_concrete_function()], tf.Module()
    )
    config = load_recipe(recipe).training_config()
    file.write_bytes(with_files(converter.convert(), {METADATA: config.model_dump_json()}))
    return file


def give_provenance(folder: Path, recipe: str) -> None:
    """Has a model say that a recipe made it."""
    config = load_recipe(recipe).training_config()
    write_provenance(str(folder), Provenance(**config.model_dump()))
