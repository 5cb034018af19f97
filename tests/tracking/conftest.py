"""A server of MLflow, and runs that are recorded in it."""

import itertools
from collections.abc import Iterator
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


@pytest.fixture(scope="session")
def outcome(walk: Walk) -> dict[str, str]:
    """What is recorded of a real run: tags, by their names."""
    return read_outcome(walk.workplace)
