"""A server of MLflow, and runs that are recorded in it."""

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
from tests.tracking.mlflow_server import MlflowServer
from tests.tracking.recording import Recorder, read_outcome
from tracking.client import Server

if TYPE_CHECKING:
    from mlflow import MlflowClient


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """One MLflow for all tests of a process, which have experiments of their own."""
    with MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


@pytest.fixture(scope="session")
def client(mlflow: MlflowServer) -> "MlflowClient":
    """MLflow's own client, which reads what was recorded."""
    return mlflow.client()


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
def server(mlflow: MlflowServer) -> Server:
    """The server, as verbs are connected to it."""
    return Server(mlflow.address)


@pytest.fixture
def asked(mlflow: MlflowServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to type verbs in, of which MLflow's address alone is known."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.address)
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
