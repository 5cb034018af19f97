"""The exported model: Transform's graph, the network and the way back to an image's own size."""

import functools
import json
import os
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from models import metrics, preprocessing, uploads
from models.config import TrainingConfig

PROVENANCE = "provenance.json"
NETWORK = "network"  # name of the signature
# Half the time of zlib's own choice, for masks of 3 KB instead of 2.
_PNG_COMPRESSION = 3
# Pixels up to which a mask is computed at its image's own size; a larger one is enlarged, since
# the logits of 50 megapixels alone would take gigabytes.
MAX_MASK = 4_000_000


class SegmentationModule(tf.Module):
    """What is written as SavedModel.

    Args:
        model: float32 [N, S, S, 3] in 0..255 to logits [N, S, S, C].
        transform_output: the artifact whose graph the model was trained behind.
        max_megapixels: the largest image that `serve` decodes, in millions of pixels.
    """

    def __init__(
        self, model: keras.Model, transform_output: tft.TFTransformOutput, max_megapixels: float
    ) -> None:
        super().__init__()
        # Its variables are all of a Keras model that a SavedModel needs; to walk through its layers
        # and its optimiser as well would take longer than writing it.
        # Traced once for all signatures: the file is smaller, is written sooner and loaded sooner.
        self._network = tf.function(
            functools.partial(model, training=False),
            input_signature=[tf.TensorSpec(model.input_shape, tf.float32)],
        )
        self._variables = [variable.value for variable in model.variables]
        self._transform = transform_output.transform_features_layer()
        self._raw_spec = transform_output.raw_feature_spec()
        self._num_classes = model.output_shape[-1]
        self._max_megapixels = max_megapixels

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """serving_default: images to masks.

        Args:
            image_bytes: string [N], JPEG or PNG.

        Returns:
            `mask_png_bytes`: string [N], PNGs of class ids, each of its upright image's own size;
            `class_fractions`: float32 [N, C], each class's share of the pixels.

        Raises:
            tf.errors.InvalidArgumentError: `models.uploads` or the decoder refuses one of them.
        """
        opened, orientations = tf.map_fn(
            lambda one: uploads.open_upload(one, self._max_megapixels),
            image_bytes,
            fn_output_signature=(tf.TensorSpec([], tf.string), tf.TensorSpec([], tf.int64)),
        )
        features = self._transform({preprocessing.IMAGE: opened})
        images, sizes = uploads.turn(
            features[preprocessing.IMAGE], features[preprocessing.SIZE], orientations
        )

        def answer(logits_and_size: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            logits, size = logits_and_size
            mask = _decide(logits, size)
            counts = tf.math.bincount(
                tf.cast(tf.reshape(mask, [-1]), tf.int32),
                minlength=self._num_classes,
                maxlength=self._num_classes,
            )
            fractions = tf.cast(counts / tf.size(mask), tf.float32)
            return _encode(_enlarge(mask, size)), tf.ensure_shape(fractions, [self._num_classes])

        masks, fractions = tf.map_fn(
            answer,
            (self._network(images), sizes),
            fn_output_signature=(
                tf.TensorSpec([], tf.string),
                tf.TensorSpec([self._num_classes], tf.float32),
            ),
        )
        return {"mask_png_bytes": masks, "class_fractions": fractions}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """from_examples: labelled tf.Examples, string [N], to masks and their counts against truth.

        Returns:
            `mask_png_bytes`: string [N], as in `serve`; `confusion_matrix`: float32 [N, C, C], and
            `boundary_counts`: float32 [N, C, 2], `models.metrics`' counts at each image's own size.
        """
        raw = tf.io.parse_example(
            examples, {name: self._raw_spec[name] for name in preprocessing.RAW_FEATURES}
        )
        features = self._transform(raw)

        def answer(elements: tuple[tf.Tensor, tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
            logits, size, mask_bytes = elements
            mask = _enlarge(_decide(logits, size), size)
            truth = preprocessing.decode_mask(mask_bytes)
            return {
                "mask_png_bytes": _encode(mask),
                "confusion_matrix": metrics.confusion_matrix(truth, mask, self._num_classes),
                "boundary_counts": metrics.boundary_counts(truth, mask, self._num_classes),
            }

        return tf.map_fn(
            answer,
            (
                self._network(features[preprocessing.IMAGE]),
                features[preprocessing.SIZE],
                raw[preprocessing.LABEL],
            ),
            fn_output_signature={
                "mask_png_bytes": tf.TensorSpec([], tf.string),
                "confusion_matrix": tf.TensorSpec([self._num_classes] * 2, tf.float32),
                "boundary_counts": tf.TensorSpec([self._num_classes, 2], tf.float32),
            },
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """transform_features: tf.Examples, string [N], to what `preprocessing_fn` returns."""
        spec = {name: self._raw_spec[name] for name in preprocessing.RAW_FEATURES}
        return dict(self._transform(tf.io.parse_example(examples, spec)))

    @tf.function
    def network(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        """network: preprocessed pixels, float32 [1, S, S, 3], to `logits`, float32 [1, S, S, C].

        A converter for the edge reads it, which needs to know every size.
        """
        return {"logits": self._network(pixels)}


def _decide(logits: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Class ids, uint8, of logits [S, S, C]: resized first, then decided.

    They have the image's own size, [height, width], or MAX_MASK pixels of the same shape.
    """
    pixels = tf.cast(tf.reduce_prod(size), tf.float64)
    scale = tf.sqrt(tf.minimum(MAX_MASK / pixels, 1.0))
    decided = tf.maximum(tf.cast(tf.cast(size, tf.float64) * scale, tf.int32), 1)
    logits = tf.image.resize(logits, decided)
    return tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32), tf.uint8)


def _enlarge(mask: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """A mask, uint8 [h, w], at its image's own size, [height, width]."""
    size = tf.cast(size, tf.int32)
    return tf.cond(
        tf.reduce_all(tf.shape(mask) == size),
        lambda: mask,
        lambda: tf.image.resize(mask[..., tf.newaxis], size, "nearest")[..., 0],
    )


def _encode(mask: tf.Tensor) -> tf.Tensor:
    return tf.io.encode_png(mask[..., tf.newaxis], compression=_PNG_COMPRESSION)


def export(
    model: keras.Model,
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    figures: dict[str, Any],
    path: str,
) -> None:
    """Writes the SavedModel with its signatures and provenance.

    Args:
        model: the trained network.
        transform_output: the artifact whose graph it was trained behind.
        config: what it was trained with; goes into `assets.extra/provenance.json`.
        figures: JSON-serialisable figures of the training, likewise.
        path: folder to write.
    """
    module = SegmentationModule(model, transform_output, config.max_megapixels)
    signatures = {
        "serving_default": module.serve,
        "from_examples": module.evaluate,
        "transform_features": module.transform,
        NETWORK: module.network.get_concrete_function(
            tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, "pixels")
        ),
    }
    tf.saved_model.save(module, path, signatures=signatures)
    extra = os.path.join(path, "assets.extra")
    tf.io.gfile.makedirs(extra)
    provenance = {**config.model_dump(mode="json"), "training": figures}
    with tf.io.gfile.GFile(os.path.join(extra, PROVENANCE), "w") as file:
        file.write(json.dumps(provenance, indent=2))
