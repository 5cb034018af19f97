"""One photo in every way in which a JPEG or PNG may hold it."""

import io
import struct
import zlib
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


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _png(
    levels: np.ndarray,
    depth: int,
    before: tuple[tuple[bytes, bytes], ...] = (),
    after: tuple[tuple[bytes, bytes], ...] = (),
) -> bytes:
    """A PNG of grey levels, or of colours, with chunks before and after its pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    height, width, *colours = levels.shape
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if colours else 0, 0, 0, 0)
    bits = np.unpackbits(levels.astype(">u2").reshape(height, -1, 1).view(np.uint8), axis=2)
    rows = np.packbits(bits[..., 16 - depth :].reshape(height, -1), axis=1)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = ((b"IHDR", header), *before, (b"IDAT", pixels), *after, (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks)


def _jpeg(photo: Image.Image, *segments: bytes) -> tuple[bytes, np.ndarray]:
    """A JPEG with APP1 segments, and its pixels as they are stored."""
    plain = save(photo, "JPEG", quality=95)
    told = (b"\xff\xe1" + struct.pack(">H", len(one) + 2) + one for one in segments)
    return plain[:2] + b"".join(told) + plain[2:], np.asarray(Image.open(io.BytesIO(plain)))


def odd_images() -> Iterator[tuple[str, bytes, np.ndarray]]:
    """Files of which readers are known to differ, what each is, and what viewers show of it.

    A viewer takes the orientation from EXIF data before the pixels, however far in the file, and
    from nowhere else; and the transparent level of a PNG is of the depth of its pixels.
    """
    photo = Image.fromarray(draw_pixels(3, (_HEIGHT, _WIDTH))[0])
    pixels = np.asarray(photo)
    upright = np.rot90(pixels, -1)  # of orientation 6
    on_white = np.where((pixels == pixels[9, 9]).all(axis=2, keepdims=True), 255, pixels)
    eight = {"levels": pixels, "depth": 8}
    exif = ((b"eXIf", _exif(6)[6:]),)
    xmp = b'<x xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    xmp_text = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    profile = f"Raw profile type exif\0\nexif\n {len(_exif(6))}\n{_exif(6).hex()}\n".encode()
    long = ((b"tEXt", b"Comment\0" + bytes([120]) * 300_000),)
    colour = (b"tRNS", struct.pack(">HHH", *(int(level) for level in pixels[9, 9])))
    yield "PNG, EXIF far from the beginning", _png(**eight, before=(*long, *exif)), upright
    yield "PNG, EXIF after the pixels", _png(**eight, after=exif), pixels
    yield "PNG, orientation in XMP", _png(**eight, before=((b"iTXt", xmp_text),)), pixels
    yield "PNG, orientation in a text", _png(**eight, before=((b"tEXt", profile),)), pixels
    yield "PNG, broken EXIF", _png(**eight, before=((b"eXIf", b"II*"),)), pixels
    yield "PNG, transparent far from the beginning", _png(**eight, before=(*long, colour)), on_white
    far = [b"http://example/\0" + bytes(60_000)] * 6
    [file, stored] = _jpeg(photo, *far, _exif(6))
    yield "JPEG, EXIF far from the beginning", file, np.rot90(stored, -1)
    yield "JPEG, orientation in XMP", *_jpeg(photo, b"http://ns.adobe.com/xap/1.0/\0" + xmp)
    yield "JPEG, broken EXIF", *_jpeg(photo, b"Exif\0\0garbage")
    grey = pixels[..., 0]
    for depth in (1, 2, 4, 8, 16):
        levels = grey.astype(np.uint16) * 257 >> (16 - depth)
        hidden = levels[9, 9]
        shown = levels >> 8 if depth == 16 else levels * (255 // (2**depth - 1))
        shown = np.where(levels == hidden, 255, shown)[..., None].repeat(3, axis=2)
        transparent = ((b"tRNS", struct.pack(">H", int(hidden))),)
        yield f"PNG, transparent level of {depth} bits", _png(levels, depth, transparent), shown
    deep = pixels.astype(np.uint16) * 257
    colour = (b"tRNS", struct.pack(">HHH", *(int(level) for level in deep[9, 9])))
    yield "PNG, transparent colour of 16 bits", _png(deep, 16, (colour,)), on_white


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
