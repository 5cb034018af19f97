"""Finds which classes masks have, by what their pixels hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from tfrecords import storage
from tfrecords.errors import DataError
from tfrecords.images import ImageFault, open_mask
from tfrecords.sources.class_table import IGNORED, ClassTable, read_colours, read_values
from tfrecords.sources.listing import Pair, find_pairs

# More are no classes, but what a mask has at its edges that was resized or saved with loss.
_MOST = 64
_BACKGROUND, _OBJECT = "background", "object"


def infer_classes(images: str, masks: str) -> ClassTable:
    """Read every mask, and make a class of each value or colour.

    0 and black are `background`; the other of two values is `object`; 255 beside several others is
    of no class; all others are named after what they are.

    Args:
        images: folder of photos.
        masks: folder of .png masks.

    Raises:
        DataError: the folders hold no pairs, or the masks hold one value, or too many.
    """
    pairs = find_pairs(images, masks).pairs
    coloured = False

    def look(mask: Image.Image) -> npt.NDArray[np.int32]:
        nonlocal coloured
        coloured |= _is_coloured(mask)
        return read_values(mask)

    codes = _collect(pairs, masks, look)
    if coloured:
        codes = _collect(pairs, masks, read_colours)
    if len(codes) < 2:
        raise DataError(
            f"The masks in {masks} hold {'one value' if codes else 'nothing that can be read'}; "
            "expected two or more, one for each class."
        )
    return _name_colours(codes) if coloured else _name_values(codes)


def _collect(
    pairs: Sequence[Pair], masks: str, read: Callable[[Image.Image], npt.NDArray[np.int32]]
) -> list[int]:
    """Return what all masks hold, sorted; the conversion names those that cannot be read."""
    codes: set[int] = set()
    for pair in pairs:
        try:
            found = read(open_mask(storage.read_bytes(pair.mask)))
        except (ImageFault, OSError):
            continue
        codes |= set(np.unique(found).tolist())
        if len(codes) > _MOST:
            raise DataError(
                f"The masks in {masks} hold more than {_MOST} values, which are no classes: they "
                "were resized or saved with loss. Export them again as PNG, or name the classes "
                "with --classes."
            )
    return sorted(codes)


def _is_coloured(mask: Image.Image) -> bool:
    if mask.mode not in ("RGB", "RGBA"):
        return False
    pixels = np.asarray(mask)[..., :3]
    return bool((pixels != pixels[..., :1]).any())


def _name_values(values: Sequence[int]) -> ClassTable:
    ignored = len(values) > 2 and values[-1] == IGNORED
    classes = values[:-1] if ignored else values
    names = [_BACKGROUND if value == 0 else f"class {value}" for value in classes]
    if len(classes) == 2 and classes[0] == 0:
        names[1] = _OBJECT
    ids = {value: index for index, value in enumerate(classes)}
    return ClassTable(tuple(names), {**ids, IGNORED: IGNORED} if ignored else ids)


def _name_colours(colours: Sequence[int]) -> ClassTable:
    names = [_BACKGROUND if colour == 0 else f"#{colour:06x}" for colour in colours]
    if len(colours) == 2 and colours[0] == 0:
        names[1] = _OBJECT
    ids = {colour: index for index, colour in enumerate(colours)}
    return ClassTable(tuple(names), ids, coloured=True)
