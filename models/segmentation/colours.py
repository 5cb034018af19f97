"""Masks in their classes' colours."""

from collections.abc import Sequence

import numpy as np

_MASK_WEIGHT = 0.55


def blend(image: np.ndarray, mask: np.ndarray, palette: Sequence[Sequence[int]]) -> np.ndarray:
    """Lay the classes' colours over an image; pixels of no class stay as they are.

    Args:
        image: uint8 [height, width, 3], RGB.
        mask: class ids, uint8 [height, width].
        palette: RGB 0..255 by class id.

    Returns:
        uint8 [height, width, 3].
    """
    colours = np.asarray(palette, np.float32)
    of_class = (mask < len(colours))[..., np.newaxis]
    coloured = colours[np.minimum(mask, len(colours) - 1)]
    blended = _MASK_WEIGHT * coloured + (1 - _MASK_WEIGHT) * image
    return np.where(of_class, blended.round(), image).astype(np.uint8)
