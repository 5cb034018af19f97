"""The exported model: Transform's graph, the network and the way back to an image's own size."""

import functools
import json
import os
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from models import metrics, preprocessing
from models.config import TrainingConfig

PROVENANCE = "provenance.json"
NETWORK = "network"  # name of the signature
# Half the time of zlib's own choice, for masks of 3 KB instead of 2.
_PNG_COMPRESSION = 3


class SegmentationModule(tf.Module):
    """What is written as SavedModel.

    Args:
        model: float32 [N, S, S, 3] in 0..255 to logits [N, S, S, C].
        transform_output: the artifact whose graph the model was trained behind.
    """

    def __init__(self, model: keras.Model, transform_output: tft.TFTransformOutput) -> None:
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

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """serving_default: images to masks.

        Args:
            image_bytes: string [N], JPEG or PNG.

        Returns:
            `mask_png_bytes`: string [N], PNGs of class ids, each of its image's own size;
            `class_fractions`: float32 [N, C], each class's share of the pixels.
        """
        features = self._transform({preprocessing.IMAGE: image_bytes})

        def answer(logits_and_size: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
            mask = _mask(*logits_and_size)
            counts = tf.math.bincount(
                tf.cast(tf.reshape(mask, [-1]), tf.int32),
                minlength=self._num_classes,
                maxlength=self._num_classes,
            )
            fractions = tf.cast(counts / tf.size(mask), tf.float32)
            return _encode(mask), tf.ensure_shape(fractions, [self._num_classes])

        masks, fractions = tf.map_fn(
            answer,
            (self._logits(features), features[preprocessing.SIZE]),
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
            mask = _mask(logits, size)
            truth = preprocessing.decode_mask(mask_bytes)
            return {
                "mask_png_bytes": _encode(mask),
                "confusion_matrix": metrics.confusion_matrix(truth, mask, self._num_classes),
                "boundary_counts": metrics.boundary_counts(truth, mask, self._num_classes),
            }

        return tf.map_fn(
            answer,
            (self._logits(features), features[preprocessing.SIZE], raw[preprocessing.LABEL]),
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

    def _logits(self, features: dict[str, tf.Tensor]) -> tf.Tensor:
        return self._network(features[preprocessing.IMAGE])


def _mask(logits: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Logits [S, S, C] to class ids, uint8 [height, width]: resized first, then decided."""
    logits = tf.image.resize(logits, tf.cast(size, tf.int32))
    return tf.cast(tf.argmax(logits, axis=-1, output_type=tf.int32), tf.uint8)


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
    module = SegmentationModule(model, transform_output)
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
