"""Finds an image's class with a published model."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from runtime import Pixels, PublishedModel

REVIEW = "look at it"


@dataclass(frozen=True)
class Classification:
    """What a model finds in one image.

    Attributes:
        probabilities: of each class, 0..1, by name in the model's order.
        class_name: the most probable class, or the one that the model's threshold decides for.
        decision: the same, or REVIEW where a person is to look at the image; empty for a model
            without thresholds.
        milliseconds: what the model took.
    """

    probabilities: dict[str, float]
    class_name: str
    decision: str
    milliseconds: float


class Model(PublishedModel):
    """A published classifier.

    Args:
        folder: a snapshot of a model repository, or a version that the pipeline pushed.

    Raises:
        ValueError: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "classification", output="probabilities")

    def classify(self, pixels: Pixels) -> Classification:
        """Find the probability of each class.

        Args:
            pixels: uint8 [height, width, 3], RGB.
        """
        start = time.perf_counter()
        probabilities = self.run(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        by_name = dict(zip(self.class_names, probabilities.tolist(), strict=True))
        return Classification(by_name, *self._decide(probabilities), milliseconds)

    def _decide(self, probabilities: npt.NDArray[np.float32]) -> tuple[str, str]:
        """Class and decision, as the served model's `class_name` and `decision` have them."""
        names, thresholds = self.class_names, self.provenance.get("thresholds")
        if not thresholds:
            return names[int(np.argmax(probabilities))], ""
        positive = names.index(self.provenance["decision"]["positive_class"])
        found = probabilities[positive]
        # As in the model's graph, whose numbers are of this type.
        decide, review = np.float32(thresholds["decide"]), np.float32(thresholds["review"])
        name = names[positive if found >= decide else 1 - positive]
        return name, REVIEW if review <= found < decide else name
