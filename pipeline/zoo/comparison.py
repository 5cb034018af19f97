"""Trains, judges and records networks, one after the other, and the average of the best."""

from __future__ import annotations

import datetime
import functools
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from components.git import git_commit
from models.config import TrainingConfig
from models.registry import load_task
from pipeline.beginning import Beginning, beginning
from pipeline.configs import Settings
from pipeline.recorded import Recording
from pipeline.runs.history import Run
from pipeline.runs.relocation import lock_of
from pipeline.runs.store import file_stem
from pipeline.terminal import readable
from pipeline.zoo import recorded
from pipeline.zoo.compared import Compared, rank
from pipeline.zoo.judging import judge
from pipeline.zoo.networks import tell_length, tell_name
from pipeline.zoo.training import average_networks, train_network

_AVERAGES = "zoo"  # folder below PIPELINE_ROOT
_AVERAGED = 3  # the best, at most


class Comparison:
    """A comparison of networks on the images of one run.

    Args:
        settings: name PIPELINE_ROOT, and MLflow's server, if any.
        run: whose images they are trained on, as it transformed them.
        metric: key of the metric that they are ranked by.
        tell: told what a user should know meanwhile.

    Attributes:
        average: the SavedModel that answers as the best of them do together; None before they are
            compared, or where fewer than two came to an end.
    """

    def __init__(
        self, settings: Settings, run: Run, metric: str, tell: Callable[[str], None]
    ) -> None:
        self._settings, self._run, self._metric, self._tell = settings, run, metric, tell
        self._root = Path(settings.pipeline_root).resolve()
        self._name = f"zoo-{file_stem(datetime.datetime.now().isoformat())}"
        self.average: Path | None = None

    def compare(self, configs: Sequence[TrainingConfig]) -> list[Compared]:
        """Train and judge networks, one after the other; one that fails does not end it.

        Args:
            configs: what to train.

        Returns:
            They and their average, the best first; of equals the smaller one.

        Raises:
            filelock.Timeout: a run is using PIPELINE_ROOT.
        """
        classes = configs[0].class_names
        sign = load_task(configs[0].task).measured(classes)[self._metric].metric.sign
        told = beginning(self._settings, "local", git_commit(Path(__file__).parent))
        told = recorded.of_comparison(told, self._name)
        compared, models = [], {}
        with lock_of(self._root), tempfile.TemporaryDirectory(prefix="zoo-") as folder:
            for number, config in enumerate(configs, 1):
                name, place = tell_name(config), Path(folder, str(number))
                self._tell(f"Training {number} of {len(configs)}: {name}, {tell_length(config)}.")
                train = functools.partial(train_network, self._run, config, place)
                one, model = self._attempt(name, number, told.with_values(dict(config)), train)
                compared.append(one)
                if model:
                    models[id(one)] = model
            best = [models[id(one)] for one in rank(compared, sign) if not one.failure][:_AVERAGED]
            if len(best) > 1:
                name = f"average of the best {len(best)}"
                average = functools.partial(self._average, best, Path(folder, "average"))
                one, self.average = self._attempt(name, len(configs) + 1, told, average)
                compared.append(one)
        return rank(compared, sign)

    def _attempt(
        self, name: str, number: int, told: Beginning, make: Callable[[], Path]
    ) -> tuple[Compared, Path | None]:
        """Make a model, judge it, and record both, whatever it came to."""
        recording = Recording(
            self._settings, self._root, recorded.name_run(self._name, number, name)
        )
        recording.begin(told)
        model = None
        try:
            made = make()
            one, model = judge(self._run, name, self._metric, made), made
        except KeyboardInterrupt:
            recording.end("KILLED")
            raise
        except Exception as error:  # whatever ends one network says nothing of the others
            why = " ".join(readable(error).split()) or type(error).__name__
            one = Compared(name, failure=why)
            self._tell(f"{name} failed: {why}")
        kept = model if model and model.is_relative_to(self._root) else None
        recording.end(
            "FAILED" if one.failure else "FINISHED",
            functools.partial(recorded.tell_compared, run=self._run, compared=one, model=kept),
        )
        keras.backend.clear_session()
        return one, model

    def _average(self, members: Sequence[Path], folder: Path) -> Path:
        """Export the average to PIPELINE_ROOT, where it is whole or not at all."""
        kept = self._root / _AVERAGES / self._name
        incoming = kept.with_name(f".{kept.name}")
        shutil.copytree(average_networks(self._run, members, folder), incoming)
        return incoming.rename(kept)
