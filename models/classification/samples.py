"""A validation image as people are shown it: with its class, and the model's."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from models.classification.predictions import LABELS, PROBABILITIES
from models.config import TrainingConfig
from models.task import Sample


def sample(
    image: npt.NDArray[np.uint8], raw: int, judged: Mapping[str, Any], config: TrainingConfig
) -> Sample:
    """Says what an image is and what the model takes it for.

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
