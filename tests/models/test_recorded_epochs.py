"""Epochs in the journal of a run whose training was killed and went on."""

from pathlib import Path

import keras
import numpy as np
import pytest

from models.checkpoints import Checkpoints
from models.recorded_epochs import RecordedEpochs
from tests.models.test_checkpoints import Scores, model_and_checkpoints
from tracking.journal import Journal


class Killed(Exception):
    """Stands for the end of a process."""


class KilledAfter(keras.callbacks.Callback):
    """Ends the process between a checkpoint and what comes after it.

    Args:
        epoch: of the checkpoint.
    """

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == self._epoch:
            raise Killed


def fit(model: keras.Model, checkpoints: Checkpoints, *callbacks: keras.callbacks.Callback) -> None:
    rng = np.random.default_rng(0)
    model.fit(
        rng.normal(size=(16, 3)),
        rng.normal(size=(16, 1)),
        initial_epoch=checkpoints.epochs_done,
        epochs=4,
        callbacks=[Scores(0.1, 0.2, 0.3, 0.4), checkpoints, *callbacks],
        verbose=0,
    )


def journal_in(folder: Path) -> Journal:
    journal = Journal(folder)
    journal.open("run", "pets", {})
    return journal


def steps(journal: Journal, kind: str) -> list[tuple[int, float]]:
    return [
        (step, value)
        for event, _ in journal.events()
        if event["kind"] == kind
        for name, value, step, _ in event["metrics"]
        if name == "val_score"
    ]


def test_a_run_that_goes_on_tells_what_was_trained_before(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path / "checkpoints")
    first = journal_in(tmp_path / "first")
    with pytest.raises(Killed):
        fit(model, checkpoints, KilledAfter(1), RecordedEpochs(first, checkpoints))
    assert steps(first, "metrics") == [(0, 0.1)], "the second epoch was killed before it was told"

    model, checkpoints = model_and_checkpoints(tmp_path / "checkpoints")
    assert checkpoints.restore()
    second = journal_in(tmp_path / "second")
    fit(model, checkpoints, RecordedEpochs(second, checkpoints))
    assert steps(second, "history") == [(0, 0.1), (1, 0.2)]
    assert steps(second, "metrics") == [(2, 0.3), (3, 0.4)]


def test_a_journal_that_cannot_be_written_stops_no_training(tmp_path: Path) -> None:
    model, checkpoints = model_and_checkpoints(tmp_path / "checkpoints")
    (tmp_path / "journal").write_text("a file where its folder would be")
    fit(model, checkpoints, RecordedEpochs(Journal(tmp_path / "journal"), checkpoints))
    assert checkpoints.epochs_done == 4
