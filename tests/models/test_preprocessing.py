"""The preprocessing against Pillow and NumPy."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from PIL import Image

from models import preprocessing
from models.segmentation.labels import decode_mask, resize_mask
from tests.models.drawn_pets import (
    IMAGE_SIZE,
    SIZES,
    Pet,
    decode,
    draw_pixels,
    encode,
    pets,
    resize_nearest,
)


def transformed(output: tft.TFTransformOutput, drawn: list[Pet]) -> dict[str, np.ndarray]:
    """What the stored graph makes of images and masks."""
    raw = {
        "image": tf.constant([pet.image for pet in drawn]),
        "label": tf.constant([encode(pet.mask, "PNG") for pet in drawn]),
    }
    features = output.transform_features_layer()(raw)
    return {name: tensor.numpy() for name, tensor in features.items()}


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("grey", [False, True])
def test_decode_equals_pillow(image_format: str, size: tuple[int, int], grey: bool) -> None:
    pixels, _ = draw_pixels(5, size)
    if grey:
        pixels = np.asarray(Image.fromarray(pixels).convert("L"))
    encoded = encode(pixels, image_format)
    np.testing.assert_array_equal(preprocessing.decode_image(encoded).numpy(), decode(encoded))


def test_decode_drops_the_alpha_channel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 4), dtype=np.uint8)
    image = preprocessing.decode_image(encode(pixels, "PNG")).numpy()
    np.testing.assert_array_equal(image, pixels[..., :3])


def test_decode_keeps_the_high_byte_of_16_bit_png() -> None:
    pixels = np.random.default_rng(0).integers(0, 2**16, (20, 31), dtype=np.uint16)
    image = preprocessing.decode_image(encode(pixels, "PNG")).numpy()
    np.testing.assert_array_equal(image, np.repeat((pixels >> 8)[..., None], 3, axis=-1))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
def test_corrupt_images_raise(image_format: str) -> None:
    encoded = encode(draw_pixels(5, (96, 128))[0], image_format)
    for corrupt in (b"", b"no image at all", encoded[:200], encoded[: len(encoded) // 2]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            preprocessing.decode_image(corrupt)


def test_corrupt_masks_raise() -> None:
    encoded = encode(draw_pixels(5, (96, 128))[1], "PNG")
    for corrupt in (b"", encoded[: len(encoded) // 2]):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode_mask(corrupt)


@pytest.mark.parametrize("size", SIZES)
def test_resized_images_are_whole_pixels_and_equal_pillows(size: tuple[int, int]) -> None:
    pixels, _ = draw_pixels(8, size)
    resized = preprocessing.resize_image(pixels, IMAGE_SIZE).numpy()
    assert resized.dtype == np.float32
    np.testing.assert_array_equal(resized, resized.astype(np.uint8))
    expected = Image.fromarray(pixels).resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)
    # Pillow rounds after each of its two passes, which may cost a level or two.
    np.testing.assert_allclose(resized, np.asarray(expected, np.float32), rtol=0, atol=2)


def test_resizing_an_image_of_the_right_size_changes_nothing() -> None:
    pixels, _ = draw_pixels(8, (IMAGE_SIZE, IMAGE_SIZE))
    np.testing.assert_array_equal(preprocessing.resize_image(pixels, IMAGE_SIZE).numpy(), pixels)


@pytest.mark.parametrize("size", [*SIZES, (1, 1), (500, 3)])
def test_resized_masks_are_nearest_neighbours(size: tuple[int, int]) -> None:
    # Ids far apart, so that any mixture of two would be a third.
    mask = np.random.default_rng(1).choice(np.array([0, 7, 200, 255], np.uint8), size)
    resized = resize_mask(mask, IMAGE_SIZE).numpy()
    assert resized.dtype == np.uint8
    assert set(np.unique(resized)) <= set(np.unique(mask))
    np.testing.assert_array_equal(resized, resize_nearest(mask, IMAGE_SIZE))


def test_stored_graph_equals_pillow_and_numpy(transform_output: tft.TFTransformOutput) -> None:
    drawn = pets(12)
    features = transformed(transform_output, drawn)
    assert features["image"].dtype == np.float32
    assert features["label"].dtype == np.int64
    assert features["size"].tolist() == [list(pet.mask.shape) for pet in drawn]
    np.testing.assert_array_equal(features["image"], features["image"].astype(np.uint8))
    for pet, image, label in zip(drawn, features["image"], features["label"], strict=True):
        expected = Image.fromarray(decode(pet.image)).resize(
            (IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR
        )
        np.testing.assert_allclose(image, np.asarray(expected, np.float32), rtol=0, atol=2)
        np.testing.assert_array_equal(label, resize_nearest(pet.mask, IMAGE_SIZE))


@pytest.mark.parametrize("size", SIZES)
def test_image_and_mask_stay_aligned(
    transform_output: tft.TFTransformOutput, size: tuple[int, int]
) -> None:
    # A mask of wide patches, painted into the image.
    ids = np.random.default_rng(2).integers(0, 3, (4, 4)).astype(np.uint8)
    ids[1, 1], ids[1, 2], ids[2, 1] = 0, 2, 2
    rows = np.arange(size[0]) * 4 // size[0]
    columns = np.arange(size[1]) * 4 // size[1]
    mask = ids[rows[:, None], columns]
    image = np.repeat((mask * 100)[..., None], 3, axis=-1)
    features = transformed(transform_output, [Pet("painted", "pug", encode(image, "PNG"), mask)])
    painted, label = features["image"][0, ..., 0] / 100, features["label"][0]

    inner = slice(4, -4)
    distances = {
        (down, right): np.abs(painted - np.roll(label, (down, right), (0, 1)))[inner, inner].mean()
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    assert min(distances, key=lambda shift: distances[shift]) == (0, 0)
    # Away from edges, where the antialiasing filter mixes no two patches, both agree exactly.
    window = np.lib.stride_tricks.sliding_window_view(label, (7, 7))
    flat = window.min((2, 3)) == window.max((2, 3))
    assert flat.mean() > 0.3
    np.testing.assert_array_equal(painted[3:-3, 3:-3][flat], label[3:-3, 3:-3][flat])


def test_one_corrupt_image_fails_the_stored_graph(
    transform_output: tft.TFTransformOutput,
) -> None:
    good, other = pets(2)
    corrupt = Pet(other.name, other.breed, other.image[:100], other.mask)
    with pytest.raises(tf.errors.InvalidArgumentError):
        transformed(transform_output, [good, corrupt])
