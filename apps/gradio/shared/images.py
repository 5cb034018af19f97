"""Reads whatever users upload: the one way from a file's bytes to pixels."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from viewing import PNG_DEPTH, read_orientation, scale_transparent_level, turn_upright

# As the SavedModel has it: to resize a line of millions of pixels takes gigabytes.
MAX_SIDE = 65_535
# Pillow knows dozens of formats, some of which start other programs.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


class ImageFault(ValueError):
    """Why a file cannot be used and what to do about it, in one sentence."""


@dataclass(frozen=True)
class Picture:
    """A decoded image.

    Attributes:
        pixels: uint8 [height, width, 3], RGB, upright.
        notices: sentences about what of the file is not in the pixels.
    """

    pixels: npt.NDArray[np.uint8]
    notices: tuple[str, ...]


def read_image(data: bytes, max_megapixels: float = 50) -> Picture:
    """Decode an image file.

    Args:
        data: the file's bytes.
        max_megapixels: the largest image that is decoded, in millions of pixels.

    Returns:
        Its first frame, turned upright as EXIF says, on white where it is transparent.

    Raises:
        ImageFault: the bytes are no image, broken, or too large.
    """
    if not data:
        raise ImageFault("The file is empty (0 bytes): choose another, or export it again.")
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
        # The header's word; nothing is decoded yet.
        if image.width * image.height > max_megapixels * 1e6 or max(image.size) > MAX_SIDE:
            raise _too_large(f" ({image.width} x {image.height})", max_megapixels)
        frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1
        orientation = read_orientation(image)
        image.load()
        if image.format == "PNG":
            scale_transparent_level(image, depth=data[PNG_DEPTH])
        upright = turn_upright(image, orientation)
        rgb, transparent = _on_white(_eight_bits(upright))
    except ImageFault:
        raise
    except UnidentifiedImageError:
        raise ImageFault(
            "The file is not an image that can be read: send a JPEG, PNG, WebP, GIF, BMP, TIFF or "
            "AVIF file."
        ) from None
    except Image.DecompressionBombError:
        raise _too_large("", max_megapixels) from None
    except Exception:  # Pillow's decoders raise whatever their format provokes
        raise ImageFault(
            "The image is damaged or cut off: export or copy the file again and retry."
        ) from None
    notices = []
    if transparent:
        notices.append("The image is transparent in places; it was laid on white.")
    if frames > 1:
        notices.append(f"The file holds {frames} frames; only the first was used.")
    return Picture(np.asarray(rgb), tuple(notices))


def _too_large(size: str, max_megapixels: float) -> ImageFault:
    return ImageFault(
        f"The image{size} is larger than {max_megapixels:g} megapixels, or than {MAX_SIDE} pixels "
        "to a side: make it smaller and retry."
    )


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring deeper greyscale to 0..255, where Pillow would cut the levels off."""
    if image.mode == "F":
        raise ImageFault(
            "The image has levels of 32 bits: export it with 8 or 16 bits a channel and retry."
        )
    if not image.mode.startswith("I"):
        return image
    levels, transparent = np.asarray(image), image.info.get("transparency")
    grey = Image.fromarray((levels >> 8).clip(0, 255).astype(np.uint8))
    if transparent is not None:
        grey.putalpha(Image.fromarray(np.uint8(255) * (levels != transparent)))
    return grey


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return an image as RGB, and whether any pixel of it was transparent."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        if layer.getchannel("A").getextrema() != (255, 255):
            white = Image.new("RGBA", layer.size, "white")
            return Image.alpha_composite(white, layer).convert("RGB"), True
    return image.convert("RGB"), False
