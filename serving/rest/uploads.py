"""Looks at an image before it joins a batch, in which it would fail the others' call.

Two looks, so that a sound file is not decoded twice: its header, by the graph that the model itself
has, and its structure. Only what is not in order there is decoded to see whether it can be.
"""

import functools
import io
import re
from collections.abc import Callable

import tensorflow as tf
from PIL import Image

from models import preprocessing, uploads
from models.batches import BROKEN
from serving.rest.batching import Upload
from tfrecords.intact import is_intact

# What a graph says of an image by `Assert`, within TensorFlow's words about where it said so.
_ASSERTED = re.compile(r"assertion failed: \[(?:Image \d+ of \d+ \(\d+ bytes\): )?([^\]]*)\]")


def find_reason(error: tf.errors.InvalidArgumentError) -> str:
    """Why a graph refuses an image, in a sentence."""
    asserted = _ASSERTED.search(str(error.message))
    return asserted[1] if asserted else BROKEN


@functools.cache
def make_check(max_megapixels: float) -> Callable[[bytes], Upload | str]:
    """Makes what checks images for a model.

    Args:
        max_megapixels: the largest image that it decodes, in millions of pixels.

    Returns:
        A function of an encoded image, which returns it as one to ask about, or why it is none.
    """

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)], autograph=False)
    def find_fault(file: tf.Tensor) -> tf.Tensor:
        return uploads.find_fault(file, max_megapixels)

    def check(file: bytes) -> Upload | str:
        try:
            if fault := find_fault(tf.constant(file)).numpy().decode():
                return fault
            if not is_intact(file):
                preprocessing.decode_image(tf.constant(file))
        except tf.errors.InvalidArgumentError as error:
            return find_reason(error)
        return Upload(file, _count_pixels(file))

    return check


def _count_pixels(file: bytes) -> int:
    """By the header; an image that Pillow does not know may be any."""
    try:
        with Image.open(io.BytesIO(file), formats=("JPEG", "PNG")) as image:
            return image.width * image.height
    except Exception:  # Pillow raises whatever its formats provoke
        return 2**63
