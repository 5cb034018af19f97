"""Keras callbacks of the training: speed, learning rate and a stop when it diverges."""

import math
import time
from collections.abc import Callable

import keras

_WARM_UP_SHARE = 0.05
_BUDGET_PARTS = 1000  # that the schedule of a budget has


class Throughput(keras.callbacks.Callback):
    """Counts training steps and the seconds spent in them; each fit's first, tracing step aside."""

    def __init__(self) -> None:
        super().__init__()
        self._timed_steps = 0
        self._seconds = 0.0
        self._begin = 0.0
        self._tracing = True

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._tracing = True

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        if not self._tracing:
            self._seconds += time.perf_counter() - self._begin
            self._timed_steps += 1
        self._tracing = False

    def images_per_second(self, batch_size: int) -> float:
        """Training images a second, validation not counted; 0 before the second step."""
        return self._timed_steps * batch_size / self._seconds if self._seconds else 0.0


class WarmUpCosine(keras.callbacks.Callback):
    """Sets each step's learning rate: linear warm-up, then cosine decay to zero.

    Loshchilov and Hutter, "SGDR" (arXiv:1608.03983). A callback, because Keras computes a schedule
    object's rate once for every variable, which takes ten seconds to trace.

    Args:
        peak: the highest rate.
        total_steps: steps of the whole schedule.
    """

    def __init__(self, peak: float, total_steps: int) -> None:
        super().__init__()
        self._peak = peak
        self._total = total_steps
        self._warm_up = max(1, round(_WARM_UP_SHARE * total_steps))
        self._step = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook. A resumed training goes on where the optimiser's own count stands."""
        self._step = int(self.model.optimizer.iterations.numpy())

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._step += 1
        self.model.optimizer.learning_rate = self.rate(self._step)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keras' hook. The rate of the epoch's last step goes into the logs."""
        if logs is not None:
            logs["learning_rate"] = self.rate(self._step)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1; the last one's is not yet zero."""
        if step <= self._warm_up:
            return self._peak * step / self._warm_up
        done = (step - self._warm_up) / max(1, self._total - self._warm_up + 1)
        return self._peak * (1 + math.cos(math.pi * done)) / 2


class BudgetedWarmUpCosine(WarmUpCosine):
    """The same schedule over a budget of processor time, which ends the training when it is spent.

    Li, Yumer and Ramanan, "Budgeted Training" (arXiv:1905.04753). The step that spends the rest is
    the last one; it is validated as an epoch's last step is.

    Args:
        peak: the highest rate.
        budget: processor seconds.
        spent: tells how many of them were spent so far.
    """

    def __init__(self, peak: float, budget: float, spent: Callable[[], float]) -> None:
        super().__init__(peak, _BUDGET_PARTS)
        self._budget = budget
        self._spent = spent

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Keras' hook. The schedule stands where the time spent says, not where the steps do."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._step = min(int(_BUDGET_PARTS * self._spent() / self._budget), _BUDGET_PARTS - 1)
        super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        if self._spent() >= self._budget:
            self.model.stop_training = True


class StopWhenDiverged(keras.callbacks.Callback):
    """Ends the training when its loss is no number any more.

    Raises:
        ValueError: naming the step and its learning rate.
    """

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Keras' hook."""
        self._check("loss", logs)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Keras' hook. The epoch's last step may have left weights that are no numbers."""
        self._check("val_loss", logs)

    def _check(self, name: str, logs: dict | None) -> None:
        value = float((logs or {}).get(name, 0.0))
        if not math.isfinite(value):
            optimizer = self.model.optimizer
            raise ValueError(
                f"The training diverged: {name} became {value} at step "
                f"{int(optimizer.iterations.numpy())} with learning rate "
                f"{float(optimizer.learning_rate.numpy()):.3g}; lower LEARNING_RATE and run again."
            )
