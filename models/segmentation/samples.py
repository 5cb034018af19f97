"""An image as people are shown it: with the model's mask over it, and with the true one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.config import TrainingConfig
from models.segmentation.colours import blend
from models.segmentation.labels import decode_mask
from models.segmentation.predictions import FRACTIONS, MASKS
from models.task import Answer, Sample

_WRONG = np.array([214, 40, 40], np.uint8)  # RGB of a pixel whose class is not the true one


def labelled(
    image: npt.NDArray[np.uint8], raw: bytes, config: TrainingConfig
) -> npt.NDArray[np.uint8]:
    """Lay the true mask over an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        raw: the true mask, a PNG of class ids.
        config: whose palette is used.
    """
    return blend(image, decode_mask(raw).numpy(), config.palette)


def sample(
    image: npt.NDArray[np.uint8], raw: bytes, judged: Mapping[str, Any], config: TrainingConfig
) -> Sample:
    """Lay both masks over an image, and mark the pixels that the model gets wrong.

    Args:
        image: uint8 [height, width, 3], RGB.
        raw: the true mask, a PNG of class ids.
        judged: with the model's, likewise.
        config: whose palette is used.
    """
    truth, prediction = (decode_mask(mask).numpy() for mask in (raw, judged[MASKS]))
    grey = image.mean(axis=-1, keepdims=True).astype(np.uint8).repeat(3, axis=-1)
    wrong = (truth != prediction) & (truth < config.num_outputs)
    return Sample(
        {
            "Image": image,
            "Truth": blend(image, truth, config.palette),
            "Prediction": blend(image, prediction, config.palette),
            "Errors": np.where(wrong[..., np.newaxis], _WRONG, grey),
        },
        details=[f"{wrong.mean():.1%} of the pixels wrong"],
    )


def answer(image: npt.NDArray[np.uint8], told: Mapping[str, Any], config: TrainingConfig) -> Answer:
    """Lay the model's mask over an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        told: with the model's mask, a PNG of class ids, and the classes' shares, where it has them.
        config: whose palette and class names are used.
    """
    overlay = blend(image, decode_mask(told[MASKS]).numpy(), config.palette)
    row = {}
    if FRACTIONS in told:  # the Evaluator's answers have counts instead
        shares = zip(config.class_names, told[FRACTIONS], strict=True)
        row = {f"share_{name}": float(share) for name, share in shares}
    return Answer(overlay, mask=told[MASKS], row=row)
