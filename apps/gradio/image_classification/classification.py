"""Finds an image's class with a published model."""

import time
from dataclasses import dataclass
from pathlib import Path

from runtime import Pixels, PublishedModel


@dataclass(frozen=True)
class Classification:
    """What a model finds in one image.

    Attributes:
        probabilities: of each class, 0..1, by name in the model's order.
        milliseconds: what the model took.
    """

    probabilities: dict[str, float]
    milliseconds: float

    @property
    def class_name(self) -> str:
        """The most probable class."""
        return max(self.probabilities, key=self.probabilities.__getitem__)


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
        """Finds the probability of each class.

        Args:
            pixels: uint8 [height, width, 3], RGB.
        """
        start = time.perf_counter()
        probabilities = self.run(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        by_name = dict(zip(self.class_names, probabilities.tolist(), strict=True))
        return Classification(by_name, milliseconds)
