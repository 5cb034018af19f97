"""One photo in every way in which a JPEG or PNG may hold it."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.models.drawn_pets import draw_pixels

_HEIGHT, _WIDTH = 72, 56


def save(image: Image.Image, image_format: str, **options: object) -> bytes:
    """An image as a file."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def turned(image: Image.Image, orientation: int, image_format: str) -> bytes:
    """A file that stores an image as it is, with the word that it is to be turned."""
    exif = Image.Exif()
    exif[0x0110], exif[0x0112], exif[0x0132] = "Camera", orientation, "2024:05:06 07:08:09"
    options = {"quality": 95} if image_format == "JPEG" else {}
    return save(image, image_format, exif=exif, **options)


def sent_images() -> Iterator[tuple[str, bytes]]:
    """Files and what each is."""
    photo = Image.fromarray(draw_pixels(3, (_HEIGHT, _WIDTH))[0])
    alpha = Image.radial_gradient("L").resize(photo.size)
    grey, palette = photo.convert("L"), photo.quantize(64)
    for mode in ("1", "L", "P", "RGB"):
        yield f"PNG {mode}", save(photo.convert(mode), "PNG")
    yield "PNG P of few colours", save(photo.quantize(4), "PNG", bits=2)
    yield "PNG LA", save(Image.merge("LA", (grey, alpha)), "PNG")
    yield "PNG RGBA", save(Image.merge("RGBA", (*photo.split(), alpha)), "PNG")
    yield "PNG RGBA, opaque", save(photo.convert("RGBA"), "PNG")
    yield "PNG P with a transparent entry", save(palette, "PNG", transparency=9)
    yield "PNG P with alpha", save(palette, "PNG", transparency=bytes(range(0, 256, 4)))
    yield (
        "PNG L with a transparent level",
        save(grey, "PNG", transparency=int(grey.getpixel((9, 9)))),
    )
    yield (
        "PNG RGB with a transparent colour",
        save(photo, "PNG", transparency=photo.getpixel((9, 9))),
    )
    deep = np.asarray(grey).astype(np.uint16) * 257 - 100
    yield "PNG of 16 bits", save(Image.fromarray(deep), "PNG")
    for mode in ("L", "RGB", "CMYK"):
        yield f"JPEG {mode}", save(photo.convert(mode), "JPEG", quality=95)
    yield "JPEG, progressive", save(photo, "JPEG", quality=95, progressive=True)
    for orientation in range(1, 9):
        yield f"JPEG, orientation {orientation}", turned(photo, orientation, "JPEG")
        yield f"PNG, orientation {orientation}", turned(photo, orientation, "PNG")
    layered = Image.merge("RGBA", (*photo.split(), alpha))
    yield "PNG RGBA, orientation 6", turned(layered, 6, "PNG")
