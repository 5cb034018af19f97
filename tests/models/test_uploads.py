"""Image files as people send them, against Pillow."""

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from models import preprocessing, uploads
from tests.models.drawn_pets import draw_pixels
from tests.models.peaks import added_peak
from tests.models.sent_images import odd_images, save, sent_images, turned

PHOTO = Image.fromarray(draw_pixels(5, (48, 32))[0])


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def opened(image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Of at most 2 megapixels."""
    fault = uploads.find_fault(image_bytes, 2.0)
    with tf.control_dependencies([tf.debugging.Assert(fault == "", [fault])]):
        return uploads.open_upload(tf.identity(image_bytes))


def shown(image_bytes: bytes) -> np.ndarray:
    """What a viewer shows of a file, uint8 [H, W, 3], by Pillow."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(image_bytes)))
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.asarray(image.convert("RGB"))


def square(pixels: np.ndarray, side: int = 24) -> tf.Tensor:
    return preprocessing.resize_image(tf.constant(pixels), side)


@pytest.mark.parametrize(("name", "image_bytes"), list(sent_images()))
def test_a_file_means_what_it_shows(name: str, image_bytes: bytes) -> None:
    compare(image_bytes, shown(image_bytes), 2 if "CMYK" in name else 1)


@pytest.mark.parametrize(("name", "image_bytes", "expected"), list(odd_images()))
def test_a_file_of_which_readers_differ(
    name: str, image_bytes: bytes, expected: np.ndarray
) -> None:
    compare(image_bytes, expected, 1)


def compare(image_bytes: bytes, expected: np.ndarray, tolerance: float) -> None:
    plain, orientation = opened(image_bytes)
    pixels = preprocessing.decode_image(plain)
    size = tf.shape(pixels, tf.int64)[:2]
    images, sizes = uploads.turn(square(pixels)[None], size[None], orientation[None])
    assert sizes.numpy().tolist() == [list(expected.shape[:2])]
    np.testing.assert_allclose(images[0], square(expected), atol=tolerance)


def test_of_a_batch_one_large_image_is_in_memory_at_a_time() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def prepared(files: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return uploads.prepare(files, transform, 24, 2.0)

    def transform(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        inputs["label"] = tf.zeros([0], tf.string)
        return preprocessing.preprocessing_fn(inputs, {"image_size": 24, "task": "segmentation"})

    count, flattened = 12, 1500 * 1000 * 3 / 1e6  # MB
    files = [save(Image.new("LA", (1500, 1000), (90, 200)), "PNG")] * count
    prepared(tf.constant(files[:1]))  # what follows is not made of memory for the first call
    assert added_peak(lambda: prepared(tf.constant(files))) < count * flattened


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_an_ordinary_file_is_left_alone(image_format: str) -> None:
    image_bytes = save(PHOTO, image_format)
    plain, orientation = opened(image_bytes)
    assert (plain.numpy(), orientation.numpy()) == (image_bytes, 1)


def test_a_large_image_is_refused_by_its_header() -> None:
    for image_format in ("JPEG", "PNG"):
        image_bytes = save(Image.new("L", (2001, 1000)), image_format)
        with pytest.raises(
            tf.errors.InvalidArgumentError,
            match=r"The image \(2001 x 1000\) is larger than 2 megapixels, or than 65535 pixels",
        ):
            opened(image_bytes[:1000])
        opened(save(Image.new("L", (2000, 1000)), image_format))


def test_a_line_of_pixels_is_refused() -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"The image \(1 x 65536\)"):
        opened(save(Image.new("L", (1, 65536)), "PNG"))


@pytest.mark.parametrize("image_format", ["GIF", "BMP", "TIFF", "WEBP"])
def test_other_formats_are_refused(image_format: str) -> None:
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="is not an image that can be read: send a JPEG or PNG"
    ):
        opened(save(PHOTO, image_format))


@pytest.mark.parametrize("image_bytes", [b"", b"\x89", b"\x89PNG\r\n\x1a\n\0\0\0", b"words"])
def test_what_is_no_image_is_refused(image_bytes: bytes) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match="is not an image that can be read"):
        opened(image_bytes)


def test_other_words_in_exif_turn_nothing() -> None:
    for orientation in (0, 9, 65535):
        assert opened(turned(PHOTO, orientation, "JPEG"))[1].numpy() == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_are_read(order: str) -> None:
    mark = b"II" if order == "<" else b"MM"
    entries = struct.pack(f"{order}HHHIHH", 1, 0x0112, 3, 1, 8, 0)
    exif = b"Exif\0\0" + mark + struct.pack(f"{order}HI", 42, 8) + entries + bytes(4)
    assert opened(save(PHOTO, "JPEG", exif=exif))[1].numpy() == 8


def test_segments_before_exif_are_passed_over() -> None:
    image_bytes = turned(PHOTO, 3, "JPEG")
    comment = b"\xff\xfe" + struct.pack(">H", 2 + 40_000) + b"\xff\xe1" * 20_000
    filler = b"\xff\xff\xff"
    assert opened(image_bytes[:2] + comment + filler + image_bytes[2:])[1].numpy() == 3


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_noise_in_a_header_is_never_more_than_a_refusal(image_format: str) -> None:
    noise = np.random.default_rng(0)
    whole = turned(PHOTO, 6, image_format)
    refused = 0
    for _ in range(60):
        broken = bytearray(whole)
        for place in noise.integers(3, 120, 6):
            broken[place] = noise.integers(256)
        try:
            orientation = opened(bytes(broken))[1].numpy()
        except tf.errors.InvalidArgumentError:
            refused += 1
            continue
        assert 1 <= orientation <= 8
    assert refused < 60
