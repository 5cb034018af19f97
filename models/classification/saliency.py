"""What an image's probability of a class rests on."""

import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from models.classification.predictions import PROBABILITIES
from models.config import TrainingConfig

_PARTS = 8  # a side
_STRONGEST = 0.65  # opacity of the part that tells most
_COLOUR = (220, 30, 30)

Serve = Callable[[Sequence[bytes]], Mapping[str, npt.NDArray[np.float32]]]


def highlight(
    image: npt.NDArray[np.uint8], serve: Serve, config: TrainingConfig
) -> npt.NDArray[np.uint8]:
    """Colours the parts of an image that speak for the positive class.

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013
    (arXiv:1311.2901): each part in turn is hidden behind the image's mean colour. What counts is
    by how much the log-odds of the class fall.

    Args:
        image: uint8 [height, width, 3], RGB.
        serve: the model's `serving_default`, of PNG bytes.
        config: what was trained, with a decision.

    Returns:
        The image with an overlay, of the same shape; the image itself where no part speaks for it.
    """
    assert config.decision is not None
    positive = config.class_names.index(config.decision.positive_class)
    answers = serve([_png(one) for one in (image, *_hide_each_part(image))])
    own = answers[PROBABILITIES][:, positive].astype(np.float64)
    log_odds = np.log(own + 1e-9) - np.log1p(1e-9 - own)
    falls = np.maximum(log_odds[0] - log_odds[1:], 0).reshape(_PARTS, _PARTS)
    if not falls.any():
        return image
    height, width = image.shape[:2]
    heat = Image.fromarray((falls / falls.max()).astype(np.float32))
    opacity = _STRONGEST * np.asarray(heat.resize((width, height), Image.Resampling.BILINEAR))
    mixed = image + opacity[..., np.newaxis] * (np.array(_COLOUR) - image)
    return mixed.round().astype(np.uint8)


def _hide_each_part(image: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Yield copies of an image, each with another part of a grid in the mean colour, row by row."""
    height, width = image.shape[:2]
    mean = image.mean(axis=(0, 1)).astype(np.uint8)
    hidden = []
    for rows in np.array_split(np.arange(height), _PARTS):
        for columns in np.array_split(np.arange(width), _PARTS):
            copy = image.copy()
            copy[np.ix_(rows, columns)] = mean
            hidden.append(copy)
    return hidden


def _png(image: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", compress_level=1)
    return file.getvalue()
