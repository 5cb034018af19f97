"""A LiteRT file that is served: the same answers as a SavedModel's, by an edge model."""

import json
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from pydantic import ValidationError
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from components.edge_exporter.export import METADATA
from components.edge_exporter.runtime import LiteModel
from models import preprocessing, uploads
from models.provenance import Provenance
from models.registry import load_learning
from serving.errors import ServingError
from serving.gateway.asked import INPUT, SIGNATURE, Answer
from serving.gateway.uploads import find_reason, make_check
from tfrecords.viewing import turn_upright

_MAX_PIXELS = (
    4_000_000  # what is larger is made smaller first: an interpreter's memory grows with it
)


class LiteServable:
    """A LiteRT file in memory: a `Version`.

    Args:
        file: as EdgeExporter writes it.
        number: of the version.
        task: which it must be of; None for any.

    Raises:
        ServingError: it is no model that can be served.
    """

    def __init__(self, file: Path, number: int, task: str | None) -> None:
        try:
            with zipfile.ZipFile(file) as archive:
                self._config = Provenance.model_validate(json.loads(archive.read(METADATA)))
            self._model = LiteModel(file.read_bytes())
        except (OSError, KeyError, ValueError, ValidationError, zipfile.BadZipFile) as error:
            raise ServingError(
                f"it is no whole LiteRT file of this pipeline ({type(error).__name__})"
            ) from error
        self.number = number
        self.task: str | None = self._config.task
        self.class_names = self._config.class_names
        if task and self.task != task:
            raise ServingError(f"it is a model of {self.task}, and {task} is served")
        self.check = make_check(self._config.max_megapixels)
        self.signatures = self._describe()
        self._lock = threading.Lock()  # an interpreter holds one image's tensors

    def predict(self, files: Sequence[bytes]) -> list[Answer]:
        """Answer images; see `Version`."""
        return [self._answer(file) for file in files]

    def _answer(self, file: bytes) -> Answer:
        try:
            opened, orientation = _open(tf.constant(file))
        except tf.errors.InvalidArgumentError as error:
            return find_reason(error)
        upright = turn_upright(Image.fromarray(opened.numpy()), int(orientation))
        pixels = np.asarray(upright)
        size = tf.constant(pixels.shape[:2], tf.int64)
        with self._lock:
            found = self._model.answer(_shrink(pixels))
        told = load_learning(self._config.task).edge_answer(tf.constant(found), size, self._config)
        return {name: value.numpy() for name, value in told.items()}

    def _describe(self) -> SignatureDefMap:
        """Return the signature that a SavedModel of the same network has."""
        described = SignatureDefMap()
        signature = described.signature_def[SIGNATURE]
        signature.method_name = "tensorflow/serving/predict"
        specs, _ = load_learning(self._config.task).answers(self._config)
        inputs = {INPUT: tf.TensorSpec([], tf.string)}
        for given, tensors in ((inputs, signature.inputs), (specs, signature.outputs)):
            for name, spec in given.items():
                tensors[name].name = f"{name}:0"
                tensors[name].dtype = spec.dtype.as_datatype_enum
                shape = tf.TensorShape([None]).concatenate(spec.shape)
                tensors[name].tensor_shape.CopyFrom(shape.as_proto())
        return described


@tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
def _open(file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    opened, orientation = uploads.open_upload(file)
    return preprocessing.decode_image(opened), orientation


def _shrink(pixels: Any) -> Any:
    """Return an image, uint8 [height, width, 3], no larger than LiteRT takes it; most are so."""
    size = np.array(pixels.shape[:2])
    scale = (_MAX_PIXELS / size.prod()) ** 0.5
    if scale >= 1:
        return pixels
    smaller = np.maximum((size * scale).astype(int), 1)
    resized = tf.image.resize(pixels, smaller, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8).numpy()
