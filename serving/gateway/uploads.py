"""Looks at an image before it joins a batch, in which it would fail the others' call.

Two looks, so that a sound file is not decoded twice: at its header and at its structure. Only where
these are not in order, the model's own graph and its decoder are asked what they say of it.
"""

import functools
import io
import re
from collections.abc import Callable

import tensorflow as tf
from PIL import Image

from models import preprocessing, uploads
from models.batches import BROKEN
from serving.gateway.batching import Upload
from tfrecords.intact import is_intact

# What a graph says of an image by `Assert`, within TensorFlow's words about where it said so.
_ASSERTED = re.compile(r"assertion failed: \[(?:Image \d+ of \d+ \(\d+ bytes\): )?([^\]]*)\]")


def find_reason(error: tf.errors.InvalidArgumentError) -> str:
    """Why a graph refuses an image, in a sentence."""
    asserted = _ASSERTED.search(str(error.message))
    return asserted[1] if asserted else BROKEN


@functools.cache
def make_check(max_megapixels: float) -> Callable[[bytes], Upload | str]:
    """Make what checks images for a model.

    Args:
        max_megapixels: the largest image that it decodes, in millions of pixels.

    Returns:
        A function of an encoded image, which returns it as one to ask about, or why it is none.
    """

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def find_fault(file: tf.Tensor) -> tf.Tensor:
        return uploads.find_fault(file, max_megapixels)

    def check(file: bytes) -> Upload | str:
        width, height = _read_size(file)
        fits = 0 < width * height <= max_megapixels * 1e6 and max(width, height) <= uploads.MAX_SIDE
        try:
            if not fits and (fault := find_fault(tf.constant(file)).numpy().decode()):
                return fault
            if not is_intact(file):
                preprocessing.decode_image(tf.constant(file))
        except tf.errors.InvalidArgumentError as error:
            return find_reason(error)
        return Upload(file, width * height)

    return check


def _read_size(file: bytes) -> tuple[int, int]:
    """Width and height by the header; zeros of what Pillow does not know."""
    try:
        with Image.open(io.BytesIO(file), formats=("JPEG", "PNG")) as image:
            return image.size
    except Exception:  # Pillow raises whatever its formats provoke
        return 0, 0
