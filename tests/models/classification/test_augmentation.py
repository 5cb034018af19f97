"""Augmentation is a function of its seed, keeps the range and moves as far as it says."""

import numpy as np
import pytest
import tensorflow as tf

from models.classification.augmentation import augment, mirror, translate_and_crop


def images() -> tf.Tensor:
    rng = np.random.default_rng(0)
    return tf.constant(rng.uniform(0, 255, (64, 32, 32, 3)), tf.float32)


@pytest.mark.parametrize("magnitude", [0.0, 0.5, 2.0])
def test_the_seed_decides(magnitude: float) -> None:
    labels = tf.range(64)
    first, told = augment(images(), labels, tf.constant([1, 2]), magnitude)
    again, _ = augment(images(), labels, tf.constant([1, 2]), magnitude)
    other, _ = augment(images(), labels, tf.constant([1, 3]), magnitude)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(told, labels)
    assert not np.array_equal(first, other)
    assert first.shape == (64, 32, 32, 3)
    assert tf.reduce_min(first) >= 0 and tf.reduce_max(first) <= 255


def test_half_of_the_images_are_mirrored_and_the_others_are_not_changed() -> None:
    before = images().numpy()
    after = mirror(images(), tf.constant([1, 2])).numpy()
    same = [np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    mirrored = [
        np.array_equal(one[:, ::-1], other) for one, other in zip(before, after, strict=True)
    ]
    assert np.logical_xor(same, mirrored).all()
    assert 20 < sum(mirrored) < 44


def test_at_magnitude_one_half_images_move_by_up_to_four_whole_pixels() -> None:
    ramp = tf.broadcast_to(tf.range(32, dtype=tf.float32)[:, None], [512, 32, 32])[..., None]
    moved = translate_and_crop(tf.repeat(ramp, 3, axis=-1), tf.constant([1, 2]), 1.0)
    rows = moved.numpy()[:, 12:20, 16, 0]
    only_moved = np.all(np.diff(rows, axis=1) == 1, axis=1)
    assert 150 < only_moved.sum() < 350, "the others are enlarged as well"
    assert set(rows[only_moved, 0] - 12) == set(range(-4, 5))
