"""Models for programs: `load("output/scenes/serving").predict("photo.jpg")`."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image

from models.uploads import MAX_SIDE
from pipeline.inference.model import ExportedModel, find_newest
from serving.gateway.uploads import find_reason
from serving.predictions import Prediction, read_arrays
from tfrecords.images import ImageFault, convert_image


class Model:
    """A model in this process; threads may share one.

    Attributes:
        task: what it does, such as `segmentation`.
        class_names: by class id.

    Args:
        folder: of the SavedModel.

    Raises:
        ValueError: it holds no model of this pipeline.
    """

    def __init__(self, folder: Path) -> None:
        self._model = ExportedModel(folder)
        self.task = self._model.config.task
        self.class_names = self._model.config.class_names

    def predict(self, image: str | Path | bytes | npt.NDArray[np.uint8]) -> Prediction:
        """Answer one image, as a server does.

        Args:
            image: a path, an encoded file, or pixels, uint8 [height, width, 3] in RGB.

        Returns:
            A `Segmentation` or a `Classification`.

        Raises:
            ImageFault: it cannot be used; a ValueError that says why.
            OSError: the path cannot be read.
        """
        try:
            told = self._model.serve(convert_image(_encode(image), MAX_SIDE).image)
        except tf.errors.InvalidArgumentError as error:
            raise ImageFault(find_reason(error)) from None
        [prediction] = read_arrays({name: [value] for name, value in told.items()})
        return prediction


def load(path: str | Path) -> Model:
    """Load a SavedModel, or the newest of a folder of versions.

    Raises:
        ValueError: there is none.
    """
    return Model(find_newest(Path(path)))


def _encode(image: str | Path | bytes | npt.NDArray[np.uint8]) -> bytes:
    if isinstance(image, bytes):
        return image
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ImageFault(
                f"pixels are {image.dtype} {list(image.shape)}; expected uint8 [height, width, 3]"
            )
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG", compress_level=1)
        return file.getvalue()
    return Path(image).read_bytes()
