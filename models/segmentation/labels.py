"""Masks as labels: read, resized, and judged record by record."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.task import Classes

_VALUES = 256
_NAMED = 10
# A PNG's signature and first chunk: width, height, bits of a channel, kind of pixels.
_PNG_START = struct.Struct(">8s8xIIBB")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KINDS = {2: "RGB", 3: "palette", 4: "grey and alpha", 6: "RGB and alpha"}  # 0: one channel
_CONVERT = "convert it with `python -m tfrecords.sources.masks`"


def decode_mask(mask_bytes: tf.Tensor) -> tf.Tensor:
    """Decode one PNG mask of class ids (scalar string) to uint8 [height, width].

    Raises:
        tf.errors.InvalidArgumentError: the bytes are no PNG.
    """
    return tf.io.decode_png(mask_bytes, channels=1)[..., 0]


def resize_mask(mask: tf.Tensor, image_size: int) -> tf.Tensor:
    """Resize class ids, uint8 [height, width], to [image_size, image_size]: nearest neighbour."""
    resized = tf.image.resize(mask[..., tf.newaxis], (image_size, image_size), method="nearest")
    return tf.ensure_shape(resized[..., 0], (image_size, image_size))


def mask_spec(image_size: int) -> tf.TensorSpec:
    """Return a mask at the network's size: uint8 [S, S]."""
    return tf.TensorSpec([image_size, image_size], tf.uint8)


def describe_mask(mask_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
    """Return what is judged of an encoded mask.

    Returns:
        `size`: int32 [2], height and width; `png_start`: string, the first bytes; `held`: bool
        [256], which values occur.
    """
    mask = decode_mask(mask_bytes)
    values = tf.cast(tf.reshape(mask, [-1]), tf.int32)
    return {
        "size": tf.shape(mask),
        "png_start": tf.strings.substr(mask_bytes, 0, _PNG_START.size),
        "held": tf.math.bincount(values, minlength=_VALUES, maxlength=_VALUES) > 0,
    }


def find_fault(mask: Mapping[str, Any], image_size: npt.NDArray[np.int32], classes: Classes) -> str:
    """Find what is wrong with a mask of an image of size `image_size`; empty if nothing."""
    start = mask["png_start"]
    if len(start) < _PNG_START.size or not start.startswith(_PNG_SIGNATURE):
        return f"the mask is no PNG; {_CONVERT}"
    _, _, _, bits, kind = _PNG_START.unpack(start)
    if kind in _PNG_KINDS:
        return f"the mask is a PNG of {_PNG_KINDS[kind]}, not of one channel; {_CONVERT}"
    if bits != 8:
        return f"the mask is a PNG of {bits} bits a pixel, not of 8; {_CONVERT}"
    if image_size.tolist() != mask["size"].tolist():
        sizes = (f"{width}x{height}" for height, width in (image_size, mask["size"]))
        return "the image is {}, its mask {} pixels".format(*sizes)
    count = len(classes.names)
    strange = sorted(find_classes(mask) - {*range(count), classes.ignored})
    if strange:
        more = " and more" if len(strange) > _NAMED else ""
        held = ", ".join(map(str, strange[:_NAMED]))
        return f"the mask holds {held}{more}, of {count} class ids"
    return ""


def find_classes(mask: Mapping[str, Any]) -> set[int]:
    """Return the values that occur in a mask."""
    return set(np.flatnonzero(mask["held"]).tolist())
