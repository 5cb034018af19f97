"""Finds the class of every pixel with a published model."""

import io
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from runtime import Pixels, PublishedModel

_BACKGROUND = "background"  # the class that is first seen without its colour


@dataclass(frozen=True)
class Segmentation:
    """What a model finds in one image.

    Attributes:
        mask: class ids, uint8 [height, width], of the image's own size.
        shares: each class's share of the pixels, 0..1, by name.
        milliseconds: what the model took.
    """

    mask: Pixels
    shares: dict[str, float]
    milliseconds: float


class Model(PublishedModel):
    """A published segmentation model.

    Attributes:
        palette: colours by class id.
        background: ids of the classes that say that there is nothing.

    Args:
        folder: a snapshot of a model repository, or a version that the pipeline pushed.

    Raises:
        ValueError: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "segmentation", output="mask_png_bytes")
        self.palette: list[tuple[int, int, int]] = [
            tuple(rgb) for rgb in self.provenance["palette"]
        ]
        self.background: list[int] = [
            number for number, name in enumerate(self.class_names) if name.casefold() == _BACKGROUND
        ]

    def segment(self, pixels: Pixels) -> Segmentation:
        """Find the class of every pixel.

        Args:
            pixels: uint8 [height, width, 3], RGB.
        """
        start = time.perf_counter()
        mask = self._find_mask(pixels)
        milliseconds = (time.perf_counter() - start) * 1000
        counts = np.bincount(mask.ravel(), minlength=len(self.class_names))
        shares = dict(zip(self.class_names, (counts / mask.size).tolist(), strict=True))
        return Segmentation(mask, shares, milliseconds)

    def _find_mask(self, pixels: Pixels) -> Pixels:
        found = self.run(pixels)
        if isinstance(found, bytes):
            return np.asarray(Image.open(io.BytesIO(found)))
        height, width = pixels.shape[:2]
        if found.shape == (height, width):
            return found
        # LiteRT had it shrunk. The SavedModel answers at the image's own size, whatever that is.
        return np.asarray(Image.fromarray(found).resize((width, height), Image.Resampling.NEAREST))
