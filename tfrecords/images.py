"""Checks an image and its mask and makes of them what a record holds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from tfrecords.copies import thumbnail
from tfrecords.intact import is_intact
from tfrecords.viewing import (
    PNG_DEPTH,
    TURNS,
    read_orientation,
    scale_transparent_level,
    turn_upright,
)

# Pillow knows dozens of formats, some of which start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# What TensorFlow decodes as it is; the rest is written again.
_KEPT_FORMATS = ("JPEG", "PNG")
_KEPT_MODES = ("RGB", "L")
_JPEG_QUALITY = 92
_TRIMAP_VALUES = (1, 2, 3)

TURNED = "turned upright, as EXIF says"
ON_WHITE = "laid on white where transparent"
FIRST_FRAME = "first of several frames taken"


class ImageFault(ValueError):
    """Why a file cannot be used, in words that follow its name."""


class ConvertedImage(NamedTuple):
    """A photo as a record holds it.

    Attributes:
        image: the photo as JPEG or PNG, its own bytes where they need no change.
        changes: what of the photo's file is not in its bytes as they were: TURNED, ON_WHITE and
            FIRST_FRAME; that it was reduced or written in another format is not told.
        pixels: the photo as RGB, upright and reduced.
    """

    image: bytes
    changes: tuple[str, ...]
    pixels: Image.Image


class Converted(NamedTuple):
    """A photo and its mask as a record holds them.

    Attributes:
        image: as `ConvertedImage` has it.
        mask: 8-bit PNG of class ids.
        changes: likewise.
        thumbnail: of the photo, as `tfrecords.copies` compares them.
    """

    image: bytes
    mask: bytes
    changes: tuple[str, ...]
    thumbnail: bytes


# Makes an image of class ids, mode L, of a decoded mask of the same size, or raises ImageFault.
MaskReader = Callable[[Image.Image], Image.Image]


def read_trimap(trimap: Image.Image) -> Image.Image:
    """Make class ids, mode L, of a trimap: its values less one.

    Raises:
        ImageFault: it holds something other than 1, 2 and 3.
    """
    if trimap.mode not in ("L", "P"):
        raise ImageFault(f"mask has mode {trimap.mode}; expected one channel of 8 bits (L or P)")
    found = [value for value, count in enumerate(trimap.histogram()) if count]
    if strange := sorted(set(found) - set(_TRIMAP_VALUES)):
        named = ", ".join(str(value) for value in strange)
        raise ImageFault(
            f"mask holds the values {named}; expected only 1 (pet), 2 (background), 3 (border)"
        )
    return Image.fromarray(np.asarray(trimap) - np.uint8(1))


def convert_pair(
    image: bytes, mask: bytes, max_side: int, read_mask: MaskReader = read_trimap
) -> Converted:
    """Check a photo and its mask and reduce both to at most `max_side` pixels.

    Both are turned upright as their own EXIF data say, and a transparent photo is laid on white,
    which is how a viewer shows them. What is written again is PNG, which loses nothing; what is
    reduced is JPEG.

    Args:
        image: an encoded image in one of FORMATS.
        mask: an encoded image of the photo's size.
        max_side: long side in pixels above which both are reduced; nothing is ever enlarged.
        read_mask: makes class ids of the mask.

    Raises:
        ImageFault: either cannot be decoded in full, a photo that keeps its bytes not by TensorFlow
            either; their sizes differ; or the mask is a JPEG, or holds something that `read_mask`
            does not know.
    """
    photo, changes = _decode(image, "image")
    drawn = open_mask(mask)
    if drawn.format == "JPEG":
        raise ImageFault("mask is a JPEG, which changes values at edges; save it as PNG")
    if photo.size != drawn.size:
        turned = f", {TURNED}" if TURNED in changes else ""
        raise ImageFault(
            f"mask is {_size(drawn)} pixels but its image is {_size(photo)}{turned}; expected "
            "equal sizes"
        )
    classes = read_mask(drawn)
    kept = _keep(image, photo, changes, max_side)
    if kept.pixels.size != photo.size:
        classes = classes.resize(kept.pixels.size, Image.Resampling.NEAREST)
    return Converted(kept.image, encode(classes, "PNG"), kept.changes, thumbnail(kept.pixels))


def convert_image(image: bytes, max_side: int) -> ConvertedImage:
    """Do for a photo without a mask what `convert_pair` does.

    Raises:
        ImageFault: it cannot be decoded in full, or, keeping its bytes, not by TensorFlow.
    """
    photo, changes = _decode(image, "image")
    return _keep(image, photo, changes, max_side)


def open_mask(mask: bytes) -> Image.Image:
    """Decode a mask in full, upright.

    Raises:
        ImageFault: it cannot be decoded.
    """
    return _decode(mask, "mask")[0]


def _keep(
    data: bytes, photo: Image.Image, changes: tuple[str, ...], max_side: int
) -> ConvertedImage:
    """Lay a decoded photo on white, reduce it, and write again what must not keep its bytes."""
    with _faults_told("image"):
        upright, transparent = _on_white(photo)
    if transparent:
        changes = (*changes, ON_WHITE)
    size = _reduced(photo.size, max_side)
    if size != photo.size:
        upright = upright.resize(size, Image.Resampling.LANCZOS)
        data = encode(upright, "JPEG")
    elif changes or photo.format not in _KEPT_FORMATS or photo.mode not in _KEPT_MODES:
        data = encode(upright, "PNG")
    elif not is_intact(data):
        _check_with_tensorflow(data, photo.size)
    return ConvertedImage(data, changes, upright)


def _decode(data: bytes, role: str) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode every pixel, so that a truncated file is noticed here and not in training.

    Returns:
        The image upright, in its own mode; and TURNED and FIRST_FRAME, where they apply.
    """
    if not data:
        raise ImageFault(f"{role} file is empty (0 bytes)")
    limit = Image.MAX_IMAGE_PIXELS
    with _faults_told(role):
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if limit is not None and image.width * image.height > limit:
            raise ImageFault(f"{role} of {_size(image)} pixels is above the limit of {limit}")
        # What phones add to a photo as further frames is no picture of its own.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
        orientation = read_orientation(image)
        image.load()
        if image.format == "PNG":  # whose checksums and end Pillow does not look at otherwise
            Image.open(io.BytesIO(data), formats=FORMATS).verify()
            scale_transparent_level(image, depth=data[PNG_DEPTH])
    noted = ((TURNED, orientation in TURNS), (FIRST_FRAME, frames > 1))
    upright = turn_upright(image, orientation)
    return upright, tuple(change for change, applies in noted if applies)


@contextlib.contextmanager
def _faults_told(role: str) -> Iterator[None]:
    """Make an ImageFault of whatever Pillow raises."""
    try:
        yield
    except ImageFault:
        raise
    except UnidentifiedImageError:
        raise ImageFault(f"{role} is no image that can be decoded") from None
    except Image.DecompressionBombError:
        limit = Image.MAX_IMAGE_PIXELS
        raise ImageFault(f"{role} is above the limit of {limit} pixels") from None
    except Exception as error:  # Pillow's decoders raise whatever their format provokes
        raise ImageFault(f"{role} cannot be decoded: {error}") from error


def _check_with_tensorflow(image: bytes, size: tuple[int, int]) -> None:
    """Decode an image by the call that trains, which is stricter than Pillow's.

    TensorFlow is imported only here: that takes seconds, which few files are worth.
    """
    import tensorflow as tf

    try:
        decoded = tf.io.decode_jpeg(image, channels=3, dct_method="INTEGER_ACCURATE")
    except tf.errors.InvalidArgumentError:
        raise ImageFault(
            "image cannot be decoded by TensorFlow, though by other programs: write it again as a "
            "plain JPEG or PNG"
        ) from None
    height, width, _ = decoded.shape
    if (width, height) != size:
        raise ImageFault(
            f"image is damaged: TensorFlow decodes {width}x{height} pixels, other programs "
            f"{size[0]}x{size[1]}"
        )


def _reduced(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    factor = max_side / max(size)
    if factor >= 1:
        return size
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return an image as RGB, and whether any pixel of it was transparent."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image, False
    if image.mode == "F":
        raise ImageFault("image has levels of 32 bits; expected 8 or 16 bits a channel")
    if image.mode.startswith("I"):
        # Pillow would cut 16-bit levels off at 255.
        levels, transparent = np.asarray(image), image.info.get("transparency")
        image = Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8))
        if transparent is not None:
            image.putalpha(Image.fromarray(np.uint8(255) * (levels != transparent)))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() != (255, 255):
            white = Image.new("RGBA", layer.size, "white")
            return Image.alpha_composite(white, layer).convert("RGB"), True
    return image.convert("RGB"), False


def encode(image: Image.Image, encoding: str) -> bytes:
    """Encode 8-bit pixels without what else the file they came from held, such as EXIF data."""
    encoded = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(encoded, encoding, quality=_JPEG_QUALITY)
    return encoded.getvalue()


def _size(image: Image.Image) -> str:
    return f"{image.width}x{image.height}"
