"""Augmentation, operation by operation: image and mask stay aligned, ids stay ids."""

import numpy as np
import pytest
import tensorflow as tf

from models.segmentation import augmentation

SIDE = 32
BATCH = 40


def batch(seed: int = 0) -> tuple[tf.Tensor, tf.Tensor]:
    """Blocks of three classes, and images that show each class in a grey of its own."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 3, (BATCH, SIDE // 8, SIDE // 8)).repeat(8, axis=1).repeat(8, axis=2)
    images = np.repeat(masks[..., None] * 100.0, 3, axis=-1)
    return tf.constant(images, tf.float32), tf.constant(masks, tf.uint8)


def seed(number: int) -> tf.Tensor:
    return tf.constant([number, 1], tf.int32)


def inner(masks: np.ndarray) -> np.ndarray:
    """Where a pixel and its eight neighbours are of one class, so that blending changes nothing."""
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1)), constant_values=255)
    shifted = [
        padded[:, row : row + SIDE, column : column + SIDE]
        for row in range(3)
        for column in range(3)
    ]
    return np.all([part == masks for part in shifted], axis=0)


@pytest.mark.parametrize("magnitude", [0.0, 0.5, 1.0, 2.0])
def test_shapes_types_and_ranges_stay(magnitude: float) -> None:
    images, masks = augmentation.augment(*batch(), seed(3), magnitude)
    assert (images.shape, images.dtype) == ((BATCH, SIDE, SIDE, 3), tf.float32)
    assert (masks.shape, masks.dtype) == ((BATCH, SIDE, SIDE), tf.uint8)
    assert np.isfinite(images).all()
    assert images.numpy().min() >= 0 and images.numpy().max() <= 255
    assert set(np.unique(masks)) <= {0, 1, 2}


@pytest.mark.parametrize("ids", [(0, 1, 2), (7, 200, 255)])
def test_scale_and_crop_keeps_class_ids(ids: tuple[int, ...]) -> None:
    images, masks = batch()
    masks = tf.gather(tf.constant(ids, tf.uint8), tf.cast(masks, tf.int32))
    for number in range(5):
        _, warped = augmentation.scale_and_crop(images, masks, seed(number), 1.0)
        assert set(np.unique(warped)) <= set(ids)


def test_scale_and_crop_moves_image_and_mask_alike() -> None:
    images, masks = batch()
    warped, ids = augmentation.scale_and_crop(images, masks, seed(5), 1.0)
    same_class = inner(ids.numpy())
    assert same_class.mean() > 0.3
    grey = warped.numpy()[..., 0]
    np.testing.assert_allclose(grey[same_class], ids.numpy()[same_class] * 100.0, atol=2)
    # And it does move them.
    assert (ids.numpy() != masks.numpy()).mean() > 0.2


def test_scale_and_crop_zooms_in_and_out() -> None:
    """A centred square's area grows with the square of the zoom: 0.64 to 2.56 times."""
    mask = np.zeros((BATCH, SIDE, SIDE), np.uint8)
    mask[:, 13:19, 13:19] = 1
    images = tf.zeros((BATCH, SIDE, SIDE, 3))
    _, warped = augmentation.scale_and_crop(images, tf.constant(mask), seed(2), 1.0)
    areas = warped.numpy().sum(axis=(1, 2)) / 36
    assert areas.min() < 0.9
    assert 1.6 < areas.max() < 3.0


def test_no_magnitude_leaves_the_mirroring_only() -> None:
    images, masks = batch()
    found, ids = augmentation.augment(images, masks, seed(4), 0.0)
    mirrored, mirrored_ids = augmentation.mirror(images, masks, seed(4))
    np.testing.assert_array_equal(found, mirrored)
    np.testing.assert_array_equal(ids, mirrored_ids)


def test_mirror_takes_about_half_and_both_together() -> None:
    images, masks = batch()
    found, ids = (part.numpy() for part in augmentation.mirror(images, masks, seed(9)))
    flipped = (ids != masks.numpy()).any(axis=(1, 2))
    assert 8 < flipped.sum() < 32  # half of 40, within four standard deviations
    np.testing.assert_array_equal(found[..., 0], ids * 100.0)
    np.testing.assert_array_equal(ids[flipped], masks.numpy()[flipped][:, :, ::-1])


def test_photometric_changes_each_image_in_its_own_way() -> None:
    images = tf.fill((BATCH, SIDE, SIDE, 3), 128.0)
    light = augmentation.photometric(images, seed(1), 1.0).numpy()
    # A uniform image stays uniform: brightness and tint only.
    assert np.ptp(light, axis=(1, 2)).max() < 0.1
    levels = light[:, 0, 0, :]
    assert 10 < levels.mean(axis=1).std() < 30
    assert np.abs(levels - 128).max() <= 30 + 12 * np.exp(0.4) + 1e-3
    assert np.ptp(levels, axis=1).max() > 5


def test_photometric_changes_contrast_and_saturation() -> None:
    images, _ = batch()
    coloured = images * tf.constant([1.0, 0.5, 0.2])
    light = augmentation.photometric(coloured, seed(1), 1.0).numpy()
    contrast = light.std(axis=(1, 2, 3)) / coloured.numpy().std(axis=(1, 2, 3))
    assert contrast.min() < 0.9 and contrast.max() > 1.1


def test_the_seed_decides() -> None:
    first, again, other = (augmentation.augment(*batch(), seed(n), 1.0) for n in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[1].numpy() != other[1].numpy()).any()
