"""The figures of every epoch, added to the journal of the run while it trains."""

import contextlib

import keras

from models.checkpoints import Checkpoints
from tracking.journal import Journal


class RecordedEpochs(keras.callbacks.Callback):
    """Records each epoch once it is in a checkpoint: a training that goes on does it only once.

    A full disk costs figures, and no training.

    Args:
        journal: of the run.
        checkpoints: they come before this among the callbacks.
    """

    def __init__(self, journal: Journal, checkpoints: Checkpoints) -> None:
        super().__init__()
        self._journal = journal
        self._checkpoints = checkpoints

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook. What was trained before a kill belongs to this run as well."""
        with contextlib.suppress(OSError):
            self._journal.history(self._checkpoints.history)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        last = {name: values[-1] for name, values in self._checkpoints.history.items()}
        with contextlib.suppress(OSError):
            self._journal.metrics(last, step=epoch)
