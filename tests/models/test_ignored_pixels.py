"""Pixels of no class count in neither training nor metrics, against NumPy."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from components.edge_exporter import scoring
from models import train
from models.config import TrainingConfig
from models.segmentation.augmentation import augment
from models.segmentation.losses import CrossEntropyDice
from tests.models.drawn_pets import (
    IMAGE_SIZE,
    NUM_CLASSES,
    Pet,
    count_boundaries,
    count_confusion,
    decode_mask,
    draw_pixels,
    pets,
)
from tests.models.small_model import CONFIG

IGNORED = 255


def without_a_corner(mask: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A mask whose upper left quarter is of no class."""
    mask = mask.copy()
    mask[: mask.shape[0] // 2, : mask.shape[1] // 2] = IGNORED
    return mask


def loss_of_counted(masks: npt.NDArray, logits: npt.NDArray) -> float:
    """Cross-entropy and Dice of the pixels that are left when all others are cut out."""
    counted = masks < NUM_CLASSES
    ids, logits = masks[counted], logits[counted].astype(np.float64)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    truth = np.eye(NUM_CLASSES)[ids]
    cross_entropy = -np.log((probabilities * truth).sum(axis=-1)).mean()
    overlap, total = (probabilities * truth).sum(axis=0), (probabilities + truth).sum(axis=0)
    return cross_entropy + 1 - ((2 * overlap + 1) / (total + 1)).mean()


def test_training_and_its_metric(config: TrainingConfig) -> None:
    images, masks = zip(
        *(draw_pixels(seed, (IMAGE_SIZE, IMAGE_SIZE)) for seed in range(4)), strict=True
    )
    pixels, truth = (
        np.stack(images).astype(np.float32),
        np.stack(list(map(without_a_corner, masks))),
    )
    model = train.compiled_model(config)
    logits = model.predict_on_batch(pixels)
    confusion = count_confusion(truth, logits.argmax(axis=-1), NUM_CLASSES)
    hits = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    found = model.test_on_batch(pixels, truth, return_dict=True)
    assert found["loss"] == pytest.approx(loss_of_counted(truth, logits), rel=1e-5)
    assert found["mean_iou"] == pytest.approx((hits / union)[union > 0].mean(), rel=1e-5)


def test_no_gradient_reaches_an_ignored_pixel() -> None:
    truth = without_a_corner(np.zeros((1, 4, 4), np.uint8)[0])[None]
    logits = tf.Variable(np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = CrossEntropyDice()(truth, logits)
    reached = tape.gradient(loss, logits).numpy().any(axis=-1)
    np.testing.assert_array_equal(reached, truth < NUM_CLASSES)


def test_a_batch_of_nothing_else_costs_no_cross_entropy() -> None:
    truth = np.full((1, 4, 4), IGNORED, np.uint8)
    assert float(CrossEntropyDice()(truth, np.zeros((1, 4, 4, 3), np.float32))) == 0


@pytest.fixture(scope="module")
def half_ignored() -> list[Pet]:
    return [replace(pet, mask=without_a_corner(pet.mask)) for pet in pets(3)]


def test_the_evaluator_and_the_edge_count_alike(saved_model: Path, half_ignored: list[Pet]) -> None:
    model = tf.saved_model.load(str(saved_model))
    records = [pet.example() for pet in half_ignored]
    counts = model.signatures["from_examples"](examples=tf.constant(records))
    predictions = [decode_mask(png) for png in counts["mask_png_bytes"].numpy()]
    pairs = [(pet.mask, mask) for pet, mask in zip(half_ignored, predictions, strict=True)]
    confusion = [count_confusion(*pair, NUM_CLASSES) for pair in pairs]
    boundary = [count_boundaries(*pair, NUM_CLASSES) for pair in pairs]
    np.testing.assert_array_equal(counts["confusion_matrix"], confusion)
    np.testing.assert_array_equal(counts["boundary_counts"], boundary)

    answers = iter(predictions)

    class Answering:
        """Answers as the exported model has done."""

        def answer(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            return next(answers)

    found = scoring.score(
        {"float32": Answering()}, scoring.decoded(records, "eval", CONFIG), CONFIG
    )
    np.testing.assert_array_equal(found["float32"]["confusion_matrix"], np.sum(confusion, axis=0))


def test_augmentation_moves_them_along(half_ignored: list[Pet]) -> None:
    images, mask = draw_pixels(0, (IMAGE_SIZE, IMAGE_SIZE))
    pair = tf.constant(images[None], tf.float32), tf.constant(without_a_corner(mask)[None])
    _, masks = augment(*pair, tf.constant([1, 2]), 1.0)
    assert set(np.unique(masks)) <= {*np.unique(mask), IGNORED}
    assert (masks.numpy() == IGNORED).any()
