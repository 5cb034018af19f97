"""The loss against a NumPy reference."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.segmentation.losses import CrossEntropyDice


def reference(masks: np.ndarray, logits: np.ndarray) -> float:
    """Cross-entropy plus one minus the mean soft Dice, in float64, class by class."""
    exponentials = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    true_class = np.take_along_axis(probabilities, masks[..., None].astype(int), axis=-1)
    dices = []
    for index in range(logits.shape[-1]):
        truth, probability = masks == index, probabilities[..., index]
        overlap = probability[truth].sum()
        dices.append((2 * overlap + 1) / (probability.sum() + truth.sum() + 1))
    return float(-np.log(true_class).mean() + 1 - np.mean(dices))


@pytest.mark.parametrize("classes_present", [1, 2, 3])
def test_equals_reference(classes_present: int) -> None:
    rng = np.random.default_rng(classes_present)
    masks = rng.integers(0, classes_present, (4, 16, 20)).astype(np.uint8)
    logits = rng.normal(0, 3, (4, 16, 20, 3)).astype(np.float32)
    assert float(CrossEntropyDice()(masks, logits)) == pytest.approx(
        reference(masks, logits), rel=1e-5
    )


def test_smoothing_costs_what_the_other_classes_are_owed() -> None:
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 4, (2, 8, 8))  # 3 is of no class
    logits = rng.normal(size=(2, 8, 8, 3)).astype(np.float32)
    log_probabilities = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    counted = masks < 3
    sharp = -log_probabilities[counted, masks[counted]].mean()
    spread = -log_probabilities[counted].mean()
    more = float(CrossEntropyDice(0.3)(masks, logits)) - float(CrossEntropyDice()(masks, logits))
    assert more == pytest.approx(0.3 * (spread - sharp), rel=1e-4)


@pytest.mark.parametrize("classes_present", [1, 2, 3])
def test_perfect_logits_cost_nothing(classes_present: int) -> None:
    masks = np.random.default_rng(0).integers(0, classes_present, (2, 16, 16))
    logits = 50.0 * np.eye(3, dtype=np.float32)[masks]
    assert float(CrossEntropyDice()(masks, logits)) == pytest.approx(0, abs=1e-5)


def test_a_thin_class_that_is_missed_costs_more_than_its_share_of_pixels() -> None:
    masks = np.zeros((1, 32, 32), int)
    masks[:, :, 0] = 2  # 1/32 of the pixels
    missed = 20.0 * np.eye(3, dtype=np.float32)[np.zeros_like(masks)]
    perfect = 20.0 * np.eye(3, dtype=np.float32)[masks]
    loss = CrossEntropyDice()
    cross_entropy = keras.losses.sparse_categorical_crossentropy(masks, missed, from_logits=True)
    extra = float(loss(masks, missed)) - float(loss(masks, perfect)) - np.mean(cross_entropy)
    assert extra > 0.3  # a third of Dice is lost


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gradient_is_finite_with_a_class_absent(scale: float) -> None:
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (2, 16, 16)).astype(np.uint8)
    logits = tf.Variable(scale * rng.normal(size=(2, 16, 16, 3)).astype(np.float32))
    with tf.GradientTape() as tape:
        loss = CrossEntropyDice()(masks, logits)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.isfinite(float(loss))
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


def test_gradient_equals_finite_differences() -> None:
    rng = np.random.default_rng(3)
    masks = rng.integers(0, 3, (1, 3, 4)).astype(np.uint8)
    logits = rng.normal(size=(1, 3, 4, 3))
    variable = tf.Variable(logits.astype(np.float32))
    with tf.GradientTape() as tape:
        loss = CrossEntropyDice()(masks, variable)
    gradient = tape.gradient(loss, variable).numpy()
    for index in np.ndindex(logits.shape):
        step = np.zeros_like(logits)
        step[index] = 1e-5
        slope = (reference(masks, logits + step) - reference(masks, logits - step)) / 2e-5
        assert gradient[index] == pytest.approx(slope, abs=1e-5)


def test_a_compiled_model_is_saved_and_loaded_with_its_loss(tmp_path: Path) -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile(loss=CrossEntropyDice())
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    masks = np.random.default_rng(1).integers(0, 3, (2, 8, 8)).astype(np.uint8)
    before = model.evaluate(images, masks, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.loss, CrossEntropyDice)
    assert loaded.evaluate(images, masks, verbose=0) == pytest.approx(before, rel=1e-5)
