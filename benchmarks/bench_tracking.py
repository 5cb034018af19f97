"""What it costs a training to be recorded in MLflow, whose server answers or does not.

The same network is trained on the same pixels in turn: not recorded, and recorded by a server that
does this or that. Processor time is that of the whole process, in which all that records runs; the
server's own is not in it. It is MLflow's own server behind a proxy, which passes all on or, from
the middle of the training on, answers 500, never answers, or refuses connections. The figures of
all trainings are the same to the last digit, or the benchmark fails.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure, figure
from models import train
from models.data import Split
from models.recorded_epochs import RecordedEpochs
from pipeline.recipes import load_recipe
from tests.services.mlflow_server import MLflow
from tests.tracking.faulty_proxy import FaultyProxy, Mode
from tracking import names
from tracking.config import TrackingConfig
from tracking.journal import Journal, journal_of
from tracking.machine import MachineMetrics
from tracking.sender import Sender

_IMAGES, _SIDE, _EPOCHS = 256, 64, 6
_PATIENCE = 5.0  # seconds that a run waits at its end, as `pipeline.recorded` has it
_MODES: dict[str, Mode] = {
    "answers": "pass",
    "answers 500": "fail",
    "hangs": "hang",
    "is gone": "refuse",
}


class Trained(NamedTuple):
    """What a training took, and its history."""

    seconds: float
    cpu_seconds: float
    history: dict[str, list[float]]


def run(rounds: int) -> list[Figure]:
    """Train, recorded by each kind of server and not, in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        CPU seconds and seconds of the training, by what the server does.

    Raises:
        RuntimeError: a recorded training came to other figures.
    """
    taken: dict[str, list[tuple[Trained, Trained]]] = {what: [] for what in _MODES}
    with tempfile.TemporaryDirectory() as name, MLflow(Path(name)) as server:
        _train([])  # the first traces, and reads files, that the others find
        for turn in track(range(rounds), "tracking", console=Console(stderr=True)):
            plain = _train([])
            for what, mode in _MODES.items():
                with FaultyProxy(server.port) as proxy:
                    recorded = _train_recorded(proxy, mode, Path(name, f"{what}-{turn}"))
                if recorded.history != plain.history:
                    raise RuntimeError(f"While the server {what}, the training went otherwise.")
                taken[what].append((recorded, plain))
    found = []
    for what, pairs in taken.items():
        called = f"Training whose MLflow {what}"
        for field, unit in (("cpu_seconds", "CPU s"), ("seconds", "s")):
            ours, peer = ([getattr(pair[side], field) for pair in pairs] for side in (0, 1))
            found.append(figure(called, unit, ours, peer, "the same, not recorded"))
    return found


def _train_recorded(proxy: FaultyProxy, mode: Mode, root: Path) -> Trained:
    config = TrackingConfig.model_validate({"mlflow_tracking_uri": proxy.address})
    journal = journal_of(root, "run")
    journal.open("run", root.name, {names.RUN_ID: root.name})
    with _sent(config, root, journal):
        return _train([_Turn(proxy, mode)], journal)


@contextmanager
def _sent(config: TrackingConfig, root: Path, journal: Journal) -> Iterator[None]:
    machine, sender = MachineMetrics(journal), Sender(config, root, journal)
    machine.start()
    sender.start()
    yield
    machine.finish()
    sender.finish(_PATIENCE)


class _Turn(keras.callbacks.Callback):
    """Has the server fail from the middle of the training on."""

    def __init__(self, proxy: FaultyProxy, mode: Mode) -> None:
        super().__init__()
        self._proxy = proxy
        self._mode = mode

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch == _EPOCHS // 2:
            self._proxy.turn(self._mode)


def _train(callbacks: list[keras.callbacks.Callback], journal: Journal | None = None) -> Trained:
    recipe = load_recipe("scenes").with_overrides(
        {"model": "unet_light", "image_size": _SIDE, "epochs": _EPOCHS}
    )
    config = recipe.training_config()
    keras.utils.set_random_seed(config.seed)
    random = np.random.default_rng(0)
    images = random.random((_IMAGES, _SIDE, _SIDE, 3), np.float32)
    labels = random.integers(0, len(config.class_names), (_IMAGES, _SIDE, _SIDE)).astype(np.int32)
    split = Split(tf.data.Dataset.from_tensor_slices((images, labels)), _IMAGES)
    with tempfile.TemporaryDirectory() as folder:
        model = train.compiled_model(config)
        checkpoints = train.checkpoints_of(model, config, folder)
        logs = [RecordedEpochs(journal, checkpoints)] if journal else []
        began, began_cpu = time.perf_counter(), time.process_time()
        train.fit(model, config, split, split, checkpoints, callbacks, logs)
        took = time.perf_counter() - began, time.process_time() - began_cpu
    return Trained(*took, checkpoints.history)
