"""A version of a model: loaded, looked at, and warm before anybody asks it."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf
from pydantic import ValidationError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from models.config import TrainingConfig
from models.provenance import Provenance, read_provenance
from serving.errors import ServingError
from serving.gateway.asked import INPUT, SIGNATURE, Answer
from serving.gateway.uploads import find_reason, make_check

MODEL_FILE = "saved_model.pb"
_MAX_MEGAPIXELS = TrainingConfig.model_fields["max_megapixels"].default


class Servable:
    """A SavedModel in memory: a `Version`.

    Args:
        folder: of the SavedModel.
        number: of the version.
        task: which it must be of; None for any.

    Raises:
        ServingError: it is no model that can be served.
    """

    def __init__(self, folder: Path, number: int, task: str | None) -> None:
        provenance = _read_provenance(folder)
        self.number = number
        self.task = provenance.task if provenance else None
        self.class_names = provenance.class_names if provenance else ()
        if task and self.task and self.task != task:
            raise ServingError(f"it is a model of {self.task}, and {task} is served")
        self.check = make_check(provenance.max_megapixels if provenance else _MAX_MEGAPIXELS)
        try:
            described = SavedModel.FromString((folder / MODEL_FILE).read_bytes())
            self._model = tf.saved_model.load(str(folder))
        except (
            Exception
        ) as error:  # a file of any content provokes any of TensorFlow's and Python's
            raise ServingError(f"it is no whole SavedModel ({type(error).__name__})") from error
        self._serve = self._model.signatures.get(SIGNATURE)
        if self._serve is None or list(self._serve.structured_input_signature[1]) != [INPUT]:
            raise ServingError(f"it has no signature {SIGNATURE} of {INPUT}")
        self.signatures = SignatureDefMap(signature_def=described.meta_graphs[0].signature_def)
        self._warm()

    def predict(self, files: Sequence[bytes]) -> list[Answer]:
        """Answer images; see `Version`."""
        try:
            told = self._serve(**{INPUT: tf.constant(list(files), tf.string)})
        except tf.errors.InvalidArgumentError as error:
            if len(files) == 1:
                return [find_reason(error)]
            return [answer for one in files for answer in self.predict([one])]
        arrays = {name: tensor.numpy() for name, tensor in told.items()}
        return [
            {name: array[index] for name, array in arrays.items()} for index in range(len(files))
        ]

    def _warm(self) -> None:
        """Ask for one image and for two, which take different ways through the graph."""
        image = tf.io.encode_png(tf.zeros([8, 8, 3], tf.uint8)).numpy()
        for count in (1, 2):
            try:
                told = self.predict([image] * count)
            except Exception as error:
                raise ServingError(f"it does not answer ({type(error).__name__})") from error
            if isinstance(told[0], str):
                raise ServingError(f"it refuses an image that is sound ({told[0]})")


def _read_provenance(folder: Path) -> Provenance | None:
    """None of a model that another program made."""
    try:
        return read_provenance(str(folder))
    except tf.errors.NotFoundError:
        return None
    except (tf.errors.OpError, ValidationError, ValueError) as error:
        raise ServingError(f"its provenance cannot be read ({type(error).__name__})") from error
