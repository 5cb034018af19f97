"""The exported model: Transform's graph, the network and the task's answers."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from models import preprocessing, uploads
from models.config import TrainingConfig
from models.provenance import Provenance, write_provenance
from models.registry import load_learning
from models.views import average_mirrored

NETWORK = "network"  # name of the signature


class ImageModule(tf.Module):
    """What is written as SavedModel.

    Nothing here branches or loops in Python over tensors: without AutoGraph, which would rewrite
    every function that is called, an export takes half the time.

    Args:
        model: float32 [N, S, S, 3] in 0..255 to logits, [N, …], of one view.
        transform_output: the artifact whose graph the model was trained behind.
        config: what it was trained with.
    """

    def __init__(
        self, model: keras.Model, transform_output: tft.TFTransformOutput, config: TrainingConfig
    ) -> None:
        super().__init__()
        # Its variables are all of a Keras model that a SavedModel needs; to walk through its layers
        # and its optimiser as well would take longer than writing it. `models.ensemble` reads them.
        # Traced once for all signatures: the file is smaller, is written sooner and loaded sooner.
        self._single = _traced(model)
        self._network = _traced(average_mirrored(model)) if config.mirrored else self._single
        self.values = [variable.value for variable in model.variables]
        # Called and not kept: of a Keras layer a SavedModel would hold functions that nobody calls.
        # The graph has no tables, which alone would have to be kept.
        self._transform = transform_output.transform_features_layer().__call__
        self._raw_spec = transform_output.raw_feature_spec()
        self._learning = load_learning(config.task)
        self._config = config

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")], autograph=False)
    def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """serving_default: images to the task's answers.

        Args:
            image_bytes: string [N], JPEG or PNG.

        Raises:
            tf.errors.InvalidArgumentError: `models.uploads` or the decoder refuses one of them;
                the message says which one of several.
        """
        images, sizes = uploads.prepare(
            image_bytes, self._transform, self._config.image_size, self._config.max_megapixels
        )

        return self._learning.serve(self._network(images), sizes, self._config)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")], autograph=False)
    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """from_examples: labelled tf.Examples, string [N], to answers and their counts."""
        raw = tf.io.parse_example(
            examples, {name: self._raw_spec[name] for name in preprocessing.RAW_FEATURES}
        )
        features = self._transform(raw)
        return self._learning.judge(
            self._network(features[preprocessing.IMAGE]),
            features[preprocessing.SIZE],
            raw[preprocessing.LABEL],
            self._config,
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")], autograph=False)
    def transform(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """transform_features: tf.Examples, string [N], to what `preprocessing_fn` returns."""
        spec = {name: self._raw_spec[name] for name in preprocessing.RAW_FEATURES}
        return dict(self._transform(tf.io.parse_example(examples, spec)))

    @tf.function(autograph=False)
    def network(self, pixels: tf.Tensor) -> dict[str, tf.Tensor]:
        """network: preprocessed pixels, float32 [1, S, S, 3], to `logits`, float32 [1, …].

        A converter for the edge reads it, which needs to know every size. It is of one view, even
        where `config.mirrored`.
        """
        return {"logits": self._single(pixels)}


def _traced(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    return tf.function(
        functools.partial(model, training=False),
        input_signature=[tf.TensorSpec(model.input_shape, tf.float32)],
        autograph=False,
    )


def export(
    model: keras.Model,
    transform_output: tft.TFTransformOutput,
    config: TrainingConfig,
    figures: dict[str, Any],
    path: str,
) -> None:
    """Write the SavedModel with its signatures and provenance.

    Args:
        model: the trained network, of one view.
        transform_output: the artifact whose graph it was trained behind.
        config: what it was trained with; goes into `assets.extra/provenance.json`.
        figures: JSON-serialisable figures of the training, likewise.
        path: folder to write.
    """
    module = ImageModule(model, transform_output, config)
    signatures = {
        "serving_default": module.serve,
        "from_examples": module.evaluate,
        "transform_features": module.transform,
        NETWORK: module.network.get_concrete_function(
            tf.TensorSpec([1, *model.input_shape[1:]], tf.float32, "pixels")
        ),
    }
    tf.saved_model.save(module, path, signatures=signatures)
    write_provenance(path, Provenance(**config.model_dump(), training=figures))
