import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfrecords import scenes
from tfrecords.images import ImageFault, convert_pair


def encoded(image: Image.Image, encoding: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, encoding, **options)
    return buffer.getvalue()


def trimap(width: int = 60, height: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(1, 4, (height, width), np.uint8))


def photo(width: int = 60, height: int = 40) -> Image.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("encoding", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_small_images_keep_their_bytes(encoding: str, mode: str) -> None:
    image = encoded(photo().convert(mode), encoding)
    kept, mask = convert_pair(image, encoded(trimap()), max_side=60)
    assert kept == image
    np.testing.assert_array_equal(pixels(mask), np.asarray(trimap()) - 1)


def test_larger_pairs_are_reduced_and_masks_by_nearest_neighbour_only() -> None:
    image, mask = convert_pair(encoded(photo(90, 45)), encoded(trimap(90, 45)), max_side=30)
    assert pixels(image).shape == (15, 30, 3)
    reference = np.asarray(trimap(90, 45))[1::3, 1::3] - 1  # the middle one of three pixels
    np.testing.assert_array_equal(pixels(mask), reference)


def test_a_reduced_photo_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    image, _ = convert_pair(encoded(Image.fromarray(stripes)), encoded(trimap(64, 64)), 16)
    assert abs(pixels(image).astype(int) - 128).max() < 40


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("max_side", [37, 128, 256])
def test_masks_hold_class_ids_only(seed: int, max_side: int) -> None:
    scene = scenes.draw(seed, seed)
    image, mask = convert_pair(scene.jpeg(), scene.png(scenes.PET), max_side)
    assert set(np.unique(pixels(mask))) <= {0, 1, 2}
    assert pixels(mask).shape == pixels(image).shape[:2]
    assert max(pixels(mask).shape) == min(max_side, max(scene.trimap.shape))


@pytest.mark.parametrize(
    ("mode", "encoding"),
    [("P", "GIF"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("1", "PNG"),
     ("RGB", "BMP"), ("RGB", "WEBP")],
)  # fmt: skip
def test_other_formats_and_modes_become_what_tensorflow_decodes(mode: str, encoding: str) -> None:
    data = encoded(photo().convert(mode), encoding)
    image, _ = convert_pair(data, encoded(trimap()), 256)
    assert tf.io.decode_image(image, channels=3).shape == (40, 60, 3)
    assert Image.open(io.BytesIO(image)).format == "JPEG"


def test_sixteen_bit_levels_are_scaled_not_cut_off() -> None:
    deep = Image.fromarray(np.full((40, 60), 128 << 8, np.uint16))
    image, _ = convert_pair(encoded(deep), encoded(trimap()), 256)
    assert abs(int(pixels(image).mean()) - 128) <= 1


def test_palette_masks_are_read_as_indices() -> None:
    mask = trimap()
    mask.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0, 0, 0, 200])
    _, label = convert_pair(encoded(photo()), encoded(mask), 256)
    np.testing.assert_array_equal(pixels(label), np.asarray(trimap()) - 1)


def bad_trimap(*values: int) -> Image.Image:
    spoiled = np.asarray(trimap()).copy()
    spoiled[0, : len(values)] = values
    return Image.fromarray(spoiled)


JPEG = encoded(photo(), "JPEG")


@pytest.mark.parametrize(
    ("image", "mask", "message"),
    [
        (b"", encoded(trimap()), r"image file is empty \(0 bytes\)"),
        (JPEG, b"", r"mask file is empty"),
        (b"no image", encoded(trimap()), "image is no image that can be decoded"),
        (JPEG[: len(JPEG) // 2], encoded(trimap()), "image cannot be decoded: .*truncated"),
        (JPEG, encoded(trimap())[:200], "mask cannot be decoded"),
        (JPEG, encoded(trimap(40, 60)), "mask is 40x60 pixels but its image is 60x40; expected"),
        (JPEG, encoded(bad_trimap(0, 7, 255)), "mask holds the values 0, 7, 255; expected only 1"),
        (JPEG, encoded(photo()), "mask has mode RGB; expected one channel of 8 bits"),
    ],
)
def test_faults_are_told(image: bytes, mask: bytes, message: str) -> None:
    with pytest.raises(ImageFault, match=message):
        convert_pair(image, mask, 256)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_not_decoded() -> None:
    for width in (10_000, 20_000):  # above Pillow's warning and above its error
        bomb = encoded(Image.new("1", (width, 10_000)))
        with pytest.raises(ImageFault, match="above the limit of"):
            convert_pair(bomb, encoded(trimap()), 256)
