"""A server of MLflow, journals to be sent to it, and runs that are recorded in it."""

import contextlib
import itertools
import os
import pty
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Walk
from tests.services.mlflow_server import MLflow
from tests.tracking.faulty_proxy import FaultyProxy
from tests.tracking.recording import Recorder, read_outcome
from tracking import names
from tracking.client import Connection
from tracking.config import ServerConfig, TrackingConfig
from tracking.journal import Journal, journal_of
from tracking.server import Server

if TYPE_CHECKING:
    from mlflow import MlflowClient


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MLflow]:
    """One MLflow for all tests of a process, which have experiments of their own."""
    with MLflow(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def client(mlflow: MLflow) -> "MlflowClient":
    """MLflow's own client, which reads what was recorded."""
    from mlflow import MlflowClient

    return MlflowClient(mlflow.endpoint)


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def experiment(_numbers: Iterator[int]) -> str:
    """The name of a new experiment."""
    return f"team a/pets {next(_numbers)}"


@pytest.fixture
def proxy(mlflow: MLflow) -> Iterator[FaultyProxy]:
    """What stands between a run and MLflow."""
    with FaultyProxy(mlflow.port) as proxy:
        yield proxy


@pytest.fixture
def config(proxy: FaultyProxy) -> TrackingConfig:
    return TrackingConfig.model_validate({"mlflow_tracking_uri": proxy.address})


@pytest.fixture
def server(config: TrackingConfig) -> Server:
    return Server(config)


@pytest.fixture
def journal(tmp_path: Path, experiment: str) -> Journal:
    """The journal of a run that goes on."""
    return opened(tmp_path, "2026-11-29T12-00-00", experiment)


def opened(root: Path, run_id: str, experiment: str) -> Journal:
    journal = journal_of(root, run_id)
    journal.open(run_id, experiment, {names.RUN_ID: run_id, names.RECIPE: "pets"})
    return journal


@pytest.fixture(scope="session")
def _names() -> Iterator[str]:
    return (f"recipe-{number}" for number in itertools.count(1))


@pytest.fixture
def recipe(_names: Iterator[str]) -> str:
    """The name of a recipe of which nothing is recorded."""
    return next(_names)


@pytest.fixture
def record(client: "MlflowClient", recipe: str) -> Recorder:
    """Records runs of the recipe, as the pipeline does."""
    return Recorder(client, recipe)


@pytest.fixture(scope="session")
def connection(mlflow: MLflow) -> Connection:
    """The server, as verbs are connected to it."""
    return Connection(ServerConfig.model_validate({"mlflow_tracking_uri": mlflow.endpoint}))


@pytest.fixture
def asked(mlflow: MLflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to type verbs in, of which MLflow's address alone is known."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.endpoint)
    monkeypatch.setenv("COLUMNS", "400")
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


class Typed:
    """What is typed on a terminal, and what is seen on it."""

    def __init__(self, screen: int, begin: Callable[[], None]) -> None:
        self._screen, self._begin, self._seen = screen, begin, bytearray()
        # A terminal holds little that nobody has looked at, and whoever writes more waits.
        threading.Thread(target=self._read, daemon=True).start()

    def __call__(self, text: str) -> None:
        self._begin()  # not before the test itself: pytest sets both streams for each phase
        os.write(self._screen, text.encode())

    def seen(self, wanted: str) -> str:
        """Everything that was shown, once `wanted` is in it."""
        until = time.monotonic() + 60
        while wanted not in self._text() and time.monotonic() < until:
            time.sleep(0.05)
        return self._text()

    def _text(self) -> str:
        return self._seen.decode(errors="replace")

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # it is closed
            while shown := os.read(self._screen, 1024):
                self._seen += shown


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typed]:
    """A terminal in the place of stdin and stderr."""
    ours, theirs = pty.openpty()
    with (
        open(theirs, encoding="utf-8", closefd=False) as read,
        open(theirs, "w", encoding="utf-8", buffering=1) as written,
    ):

        def begin() -> None:
            monkeypatch.setattr(sys, "stdin", read)
            monkeypatch.setattr(sys, "stderr", written)

        yield Typed(ours, begin)
        monkeypatch.undo()
    os.close(ours)


@pytest.fixture(scope="session")
def outcome(walk: Walk) -> dict[str, str]:
    """What is recorded of a real run: tags, by their names."""
    return read_outcome(walk.workplace)
