"""Checkpoints: what they restore, and when they end a training."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.checkpoints import Checkpoints
from models.task import Metric

SCORE = Metric("score", "Score")


def model_and_checkpoints(
    folder: Path, patience: int = 100, primary: Metric = SCORE
) -> tuple[keras.Model, Checkpoints]:
    """A small network with batch statistics and an optimiser with slots."""
    inputs = keras.Input((3,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(4)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1)(x))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, loss="mse")
    return model, Checkpoints(model, optimizer, str(folder), primary, patience)


class Scores(keras.callbacks.Callback):
    """Stands for validation: gives each epoch its score, and keeps the weights it ended with."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self._scores = scores
        self.weights: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        assert logs is not None
        logs["val_score"] = self._scores[epoch]
        self.weights.append(self.model.get_weights())


def fit(model: keras.Model, scores: Scores, checkpoints: Checkpoints, epochs: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 3)), rng.normal(size=(16, 1))
    model.fit(
        x,
        y,
        initial_epoch=checkpoints.epochs_done,
        epochs=epochs,
        shuffle=False,
        callbacks=[scores, checkpoints],
        verbose=0,
    )


def assert_weights(model: keras.Model, expected: list[np.ndarray]) -> None:
    for found, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(found, value)


def test_the_best_epochs_weights_come_back(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path)
    scores = Scores(0.2, 0.6, 0.6, 0.4)
    fit(model, scores, checkpoints, epochs=4)
    assert_weights(model, scores.weights[3])
    checkpoints.restore_best()
    assert checkpoints.best_epoch == 1
    assert_weights(model, scores.weights[1])


def test_another_process_goes_on_where_the_last_checkpoint_is(tmp_path: Path) -> None:
    through, whole = model_and_checkpoints(tmp_path / "whole")
    start = through.get_weights()
    reference = Scores(0.5, 0.1, 0.2, 0.3)
    fit(through, reference, whole, epochs=4)

    model, checkpoints = model_and_checkpoints(tmp_path / "parts")
    model.set_weights(start)
    assert not checkpoints.restore()
    fit(model, Scores(0.5, 0.1), checkpoints, epochs=2)
    spent = checkpoints.processor_seconds
    # Another process: other initial weights, an optimiser without history.
    model, checkpoints = model_and_checkpoints(tmp_path / "parts")
    assert checkpoints.restore()
    assert checkpoints.processor_seconds > 0.5 * spent
    assert checkpoints.epochs_done == 2
    assert int(model.optimizer.iterations) == 2
    fit(model, Scores(0.5, 0.1, 0.2, 0.3), checkpoints, epochs=4)
    assert_weights(model, reference.weights[3])
    assert checkpoints.history == whole.history
    checkpoints.restore_best()
    assert_weights(model, reference.weights[0])


def test_one_checkpoint_is_kept(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path)
    fit(model, Scores(0.1, 0.2, 0.3), checkpoints, epochs=3)
    assert [path.name for path in tmp_path.glob("*.index")] == ["ckpt-2.index"]


def test_a_half_written_checkpoint_does_not_harm_the_last_good_one(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path)
    scores = Scores(0.1)
    fit(model, scores, checkpoints, epochs=1)
    # What a kill leaves while the next is written.
    (tmp_path / "ckpt-1.data-00000-of-00001.tempstate123").write_bytes(b"half")
    (tmp_path / "ckpt-1.index").write_bytes(b"half")
    model, checkpoints = model_and_checkpoints(tmp_path)
    assert checkpoints.restore()
    assert_weights(model, scores.weights[0])


@pytest.mark.parametrize(
    ("scores", "epochs"),
    [
        ((0.5, 0.4, 0.3, 0.2, 0.1), 3),
        ((0.1, 0.4, 0.3, 0.4, 0.1), 4),
        ((0.1, 0.2, 0.3, 0.4, 0.5), 5),
    ],
)
def test_ends_when_patience_is_spent(
    tmp_path: Path, scores: tuple[float, ...], epochs: int
) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path, patience=2)
    fit(model, Scores(*scores), checkpoints, epochs=5)
    assert checkpoints.epochs_done == epochs
    assert checkpoints.exhausted == (epochs < 5)


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path)
    fit(model, Scores(0.1), checkpoints, epochs=1)
    inputs = keras.Input((3,))
    other = keras.Model(inputs, keras.layers.Dense(7)(inputs))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(other.trainable_variables)
    with pytest.raises((ValueError, tf.errors.OpError)):
        Checkpoints(other, optimizer, str(tmp_path), SCORE, 1).restore()
