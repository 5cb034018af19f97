"""An image as people are shown it: with the model's class, and the true one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from models.classification.predictions import DECISIONS, LABELS, NAMES, PROBABILITIES
from models.config import TrainingConfig
from models.task import Answer, Sample

_SIDE, _CAPTION, _LETTERS = 192, 24, 14  # of a small image, its caption and the letters, pixels


def labelled(
    image: npt.NDArray[np.uint8], raw: int, config: TrainingConfig
) -> npt.NDArray[np.uint8]:
    """Write the true class below an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        raw: the true class id.
        config: whose class names are used.
    """
    return _caption(image, config.class_names[int(raw)])


def sample(
    image: npt.NDArray[np.uint8], raw: int, judged: Mapping[str, Any], config: TrainingConfig
) -> Sample:
    """Say what an image is and what the model takes it for.

    Args:
        image: uint8 [height, width, 3], RGB.
        raw: the true class id.
        judged: with the model's probabilities, and the class that it decides for.
        config: whose class names are used.
    """
    probabilities = judged[PROBABILITIES]
    decided = int(judged[LABELS])
    told = f"taken for {config.class_names[decided]} ({probabilities[decided]:.0%})"
    return Sample({"Image": image}, [f"is {config.class_names[int(raw)]}", told])


def answer(image: npt.NDArray[np.uint8], told: Mapping[str, Any], config: TrainingConfig) -> Answer:
    """Write the class that the model decides for below an image.

    Args:
        image: uint8 [height, width, 3], RGB.
        told: what `serving_default` answers.
        config: whose class names are used.
    """
    probabilities, decided = told[PROBABILITIES], int(told[LABELS])
    name, probability = config.class_names[decided], float(probabilities[decided])
    decision = {DECISIONS: told[DECISIONS].decode()} if DECISIONS in told else {}
    of_classes = {
        f"probability_{one}": float(share)
        for one, share in zip(config.class_names, probabilities, strict=True)
    }
    return Answer(
        _caption(image, f"{name} {probability:.0%}"),
        row={NAMES: name, "probability": probability, **decision, **of_classes},
    )


def _caption(image: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    """Write a line below an image; a small one is enlarged, so that it is as wide as the line."""
    picture = Image.fromarray(image)
    times = min(_SIDE // picture.width, _SIDE // picture.height)
    if times > 1:
        size = (picture.width * times, picture.height * times)
        picture = picture.resize(size, Image.Resampling.NEAREST)
    size = (max(picture.width, _SIDE), picture.height + _CAPTION)
    canvas = Image.new("RGB", size, "white")
    canvas.paste(picture)
    font = ImageFont.load_default(_LETTERS)
    ImageDraw.Draw(canvas).text((4, picture.height + 4), text, "black", font)
    return np.asarray(canvas)
