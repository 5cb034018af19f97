"""What a training keeps: a way back after a kill, its history, and its best weights."""

import json
import time

import keras
import tensorflow as tf

from models.task import Metric


class Checkpoints(keras.callbacks.Callback):
    """Writes the whole training after each epoch, and ends it when it no longer improves.

    A checkpoint holds weights, optimiser, history and the best weights so far. TensorFlow registers
    a new one before it drops the old, so a kill or a full disk leaves a good one. Of several
    machines the chief writes, and all restore.

    Args:
        model: the network, built.
        optimizer: its optimiser, built.
        folder: where checkpoints go; one training's own.
        primary: the metric whose best value on the validation split decides.
        patience: epochs without a better one after which the training ends.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        folder: str,
        primary: Metric,
        patience: int,
    ) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.monitor = monitored(primary)
        self._sign = primary.sign
        self._patience = patience
        self._weights = [weight.value for weight in model.weights]
        self._best = [tf.Variable(weight, trainable=False) for weight in self._weights]
        self._history = tf.Variable("{}", dtype=tf.string, trainable=False)
        self._began = time.process_time()
        self._earlier = 0.0
        self._spent = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        state = [variable.value for variable in (*model.variables, *optimizer.variables)]
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(
                state=state, best=self._best, history=self._history, spent=self._spent
            ),
            folder,
            max_to_keep=1,
        )

    @property
    def epochs_done(self) -> int:
        """Epochs trained so far, in this process and before."""
        return len(self.history.get(self.monitor, []))

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 0, whose weights were the best; -1 before the first."""
        scores = [self._sign * score for score in self.history.get(self.monitor, [])]
        return scores.index(max(scores)) if scores else -1

    @property
    def best(self) -> float:
        """What the best epoch reached."""
        return self.history[self.monitor][self.best_epoch]

    def restore(self) -> bool:
        """Go back to the last checkpoint; False when there is none."""
        if self._manager.restore_or_initialize() is None:
            return False
        self.history = json.loads(self._history.numpy())
        self._earlier = float(self._spent.numpy())
        return True

    @property
    def processor_seconds(self) -> float:
        """Spent since this was made, and by the processes that wrote the last checkpoint."""
        return self._earlier + time.process_time() - self._began

    @property
    def exhausted(self) -> bool:
        """Whether patience is spent."""
        return self.epochs_done - (self.best_epoch + 1) >= self._patience

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keras' hook."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        if self.best_epoch == epoch:
            _assign(self._best, self._weights)
        self._history.assign(json.dumps(self.history))
        self._spent.assign(self.processor_seconds)
        if self.model.distribute_strategy.extended.should_checkpoint:
            self._manager.save(checkpoint_number=epoch)
        if self.exhausted:
            self.model.stop_training = True

    def restore_best(self) -> None:
        """Give the network the weights of its best epoch."""
        _assign(self._weights, self._best)


def monitored(primary: Metric) -> str:
    """Return what Keras calls a metric's value on the validation split."""
    return f"val_{primary.key}"


def _assign(targets: list[tf.Variable], sources: list[tf.Variable]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.assign(source)
