"""Checks an image and its trimap and makes of them what a record holds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

# What TensorFlow decodes as it is; the rest is written anew as JPEG.
_KEPT_FORMATS = ("JPEG", "PNG")
_KEPT_MODES = ("RGB", "L")
_JPEG_QUALITY = 92
_TRIMAP_VALUES = (1, 2, 3)


class ImageFault(ValueError):
    """Why a file cannot be used, in words that follow its name."""


def convert_pair(image: bytes, trimap: bytes, max_side: int) -> tuple[bytes, bytes]:
    """Checks a photo and its trimap and reduces both to at most `max_side` pixels.

    Args:
        image: an encoded image in any format and mode that Pillow reads.
        trimap: an 8-bit single-channel PNG of the image's size with values 1, 2 and 3.
        max_side: long side in pixels above which both are reduced; nothing is ever enlarged.

    Returns:
        The image as JPEG or PNG, namely its own bytes where they need no change; and the mask as
        8-bit PNG of class ids, which are the trimap's values less one.

    Raises:
        ImageFault: either cannot be decoded in full, their sizes differ, or the trimap holds
            something other than 1, 2 and 3.
    """
    photo = _decode(image, "image")
    mask = _decode(trimap, "mask")
    if photo.size != mask.size:
        raise ImageFault(
            f"mask is {_size(mask)} pixels but its image is {_size(photo)}; expected equal sizes"
        )
    classes = _class_ids(mask)
    size = _reduced(photo.size, max_side)
    if size != photo.size:
        classes = classes.resize(size, Image.Resampling.NEAREST)
        photo = _rgb(photo).resize(size, Image.Resampling.LANCZOS)
        image = _jpeg(photo)
    elif photo.format not in _KEPT_FORMATS or photo.mode not in _KEPT_MODES:
        image = _jpeg(_rgb(photo))
    encoded = io.BytesIO()
    classes.save(encoded, "PNG")
    return image, encoded.getvalue()


def _decode(data: bytes, role: str) -> Image.Image:
    """Decodes every pixel, so that a truncated file is noticed here and not in training."""
    if not data:
        raise ImageFault(f"{role} file is empty (0 bytes)")
    limit = Image.MAX_IMAGE_PIXELS
    try:
        image = Image.open(io.BytesIO(data))
        if limit is not None and image.width * image.height > limit:
            raise ImageFault(f"{role} of {_size(image)} pixels is above the limit of {limit}")
        image.load()
    except ImageFault:
        raise
    except UnidentifiedImageError:
        raise ImageFault(f"{role} is no image that can be decoded") from None
    except Image.DecompressionBombError:
        raise ImageFault(f"{role} is above the limit of {limit} pixels") from None
    except Exception as error:  # Pillow's decoders raise whatever their format provokes
        raise ImageFault(f"{role} cannot be decoded: {error}") from error
    return image


def _class_ids(trimap: Image.Image) -> Image.Image:
    if trimap.mode not in ("L", "P"):
        raise ImageFault(f"mask has mode {trimap.mode}; expected one channel of 8 bits (L or P)")
    found = [value for value, count in enumerate(trimap.histogram()) if count]
    if strange := sorted(set(found) - set(_TRIMAP_VALUES)):
        named = ", ".join(str(value) for value in strange)
        raise ImageFault(
            f"mask holds the values {named}; expected only 1 (pet), 2 (background), 3 (border)"
        )
    return Image.fromarray(np.asarray(trimap) - np.uint8(1))


def _reduced(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    factor = max_side / max(size)
    if factor >= 1:
        return size
    width, height = (max(1, round(side * factor)) for side in size)
    return width, height


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow would cut 16-bit levels off at 255.
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    return image if image.mode == "RGB" else image.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=_JPEG_QUALITY)
    return encoded.getvalue()


def _size(image: Image.Image) -> str:
    return f"{image.width}x{image.height}"
