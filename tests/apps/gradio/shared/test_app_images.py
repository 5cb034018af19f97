"""Files as users have them, to pixels or to one sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from images import ImageFault, read_image
from tests.models.sent_images import odd_images

RNG = np.random.default_rng(5)
RGB = RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)


def encode(image: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return buffer.getvalue()


def header(width: int, height: int) -> bytes:
    """A PNG of which only the header was sent."""
    content = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + bytes(64)
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (content, data)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize("encoding", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "AVIF", "JPEG", "MPO"])
def test_formats(encoding: str) -> None:
    image = Image.fromarray(RGB)
    data = encode(image, encoding, **({"lossless": True} if encoding == "WEBP" else {}))
    picture = read_image(data)
    assert picture.pixels.dtype == np.uint8
    np.testing.assert_array_equal(
        picture.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    )
    assert picture.notices == ()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LAB"])
def test_modes(mode: str) -> None:
    image = Image.fromarray(RGB)
    image = image.convert("RGB").convert(mode) if mode != "LAB" else Image.new("LAB", (60, 40))
    picture = read_image(encode(image, "TIFF"))
    np.testing.assert_array_equal(picture.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("encoding", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_shades(encoding: str) -> None:
    levels = RNG.integers(0, 2**16, (40, 60), dtype=np.uint16)
    pixels = read_image(encode(Image.fromarray(levels), encoding)).pixels
    np.testing.assert_array_equal(pixels, np.repeat((levels >> 8)[..., None], 3, axis=2))


def test_transparent_images_lie_on_white() -> None:
    alpha = np.zeros((40, 60, 1), np.uint8)
    alpha[:, 30:] = 255
    picture = read_image(encode(Image.fromarray(np.concatenate([RGB, alpha], axis=2))))
    assert (picture.pixels[:, :30] == 255).all()
    np.testing.assert_array_equal(picture.pixels[:, 30:], RGB[:, 30:])
    assert picture.notices == ("The image is transparent in places; it was laid on white.",)


def test_opaque_alpha_is_no_news() -> None:
    picture = read_image(encode(Image.fromarray(RGB).convert("RGBA")))
    np.testing.assert_array_equal(picture.pixels, RGB)
    assert picture.notices == ()


@pytest.mark.parametrize("encoding", ["GIF", "PNG", "WEBP"])
def test_animations_give_their_first_frame(encoding: str) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "lime", "blue")]
    data = encode(frames[0], encoding, save_all=True, append_images=frames[1:])
    picture = read_image(data)
    np.testing.assert_allclose(picture.pixels[20, 30], (255, 0, 0), atol=4)
    assert picture.notices == ("The file holds 3 frames; only the first was used.",)


@pytest.mark.parametrize("encoding", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_images_are_turned_upright(encoding: str) -> None:
    image = Image.new("RGB", (60, 40), "black")
    image.paste("white", (0, 0, 60, 10))  # the camera's top, which is the right side upright
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = read_image(encode(image, encoding, exif=exif)).pixels
    assert pixels.shape == (60, 40, 3)
    assert pixels[:, 35:].mean() > 245
    assert pixels[:, :25].mean() < 10


@pytest.mark.parametrize(("name", "data", "shown"), list(odd_images()))
def test_files_of_which_readers_differ(name: str, data: bytes, shown: np.ndarray) -> None:
    np.testing.assert_array_equal(read_image(data).pixels, shown)


@pytest.mark.parametrize("encoding", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_cut_off_files_are_refused(encoding: str, share: float) -> None:
    data = encode(Image.fromarray(RGB), encoding)
    with pytest.raises(ImageFault, match="cut off|not an image that can be read"):
        read_image(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty (0 bytes): choose another, or export it again."),
        (b"just words", "The file is not an image that can be read: send a JPEG, PNG,"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "The file is not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "The file is not an image"),
        (header(9000, 6000), "The image (9000 x 6000) is larger than 50 megapixels, or than"),
        (header(1, 65536), "The image (1 x 65536) is larger than 50 megapixels, or than 65535 "),
        (header(2**16, 2**16), "The image is larger than 50 megapixels, or than 65535 pixels"),
        (
            encode(Image.fromarray(RGB[..., 0] / np.float32(255)), "TIFF"),
            "The image has levels of 32 bits: export it with 8 or 16 bits a channel and retry.",
        ),
        (header(100, 100), "The image is damaged or cut off: export or copy the file again"),
    ],
)
def test_what_cannot_be_used_is_told_in_a_sentence(data: bytes, message: str) -> None:
    with pytest.raises(ImageFault) as told:
        read_image(data)
    assert str(told.value).startswith(message)


def test_the_limit_is_the_models() -> None:
    with pytest.raises(ImageFault, match="larger than 0.001 megapixels"):
        read_image(encode(Image.fromarray(RGB)), max_megapixels=0.001)
    assert read_image(encode(Image.fromarray(RGB)), max_megapixels=0.0024).pixels.shape == RGB.shape


def test_noise_is_never_more_than_a_fault() -> None:
    whole = {name: encode(Image.fromarray(RGB), name) for name in ("JPEG", "PNG", "GIF", "TIFF")}
    for data in whole.values():
        for _ in range(50):
            broken = bytearray(data)
            for place in RNG.integers(0, len(data), 8):
                broken[place] = RNG.integers(256)
            try:
                pixels = read_image(bytes(broken)).pixels
            except ImageFault:
                continue
            assert pixels.ndim == 3
