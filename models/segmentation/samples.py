"""An image as people are shown it: with the model's mask over it, and with the true one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.config import TrainingConfig
from models.segmentation.colours import blend
from models.segmentation.labels import decode_mask
from models.segmentation.predictions import MASKS
from models.task import Answer, Sample


def sample(
    image: npt.NDArray[np.uint8], raw: bytes, judged: Mapping[str, Any], config: TrainingConfig
) -> Sample:
    """Lays both masks over an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        raw: the true mask, a PNG of class ids.
        judged: with the model's, likewise.
        config: whose palette is used.
    """
    truth, prediction = (decode_mask(mask).numpy() for mask in (raw, judged[MASKS]))
    return Sample(
        {
            "Image": image,
            "Truth": blend(image, truth, config.palette),
            "Prediction": blend(image, prediction, config.palette),
        },
        details=[],
    )


def answer(image: npt.NDArray[np.uint8], told: Mapping[str, Any], config: TrainingConfig) -> Answer:
    """Lays the model's mask over an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        told: with the model's mask, a PNG of class ids.
        config: whose palette is used.
    """
    mask = told[MASKS]
    return Answer(blend(image, decode_mask(mask).numpy(), config.palette), mask=mask)
