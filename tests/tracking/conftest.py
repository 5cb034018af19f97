"""A server of MLflow, and journals to be sent to it."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tracking.faulty_proxy import FaultyProxy
from tests.tracking.mlflow_server import MlflowServer
from tracking import names
from tracking.config import TrackingConfig
from tracking.journal import Journal, journal_of
from tracking.server import Server

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
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def experiment(_numbers: Iterator[int]) -> str:
    """The name of a new experiment."""
    return f"team a/pets {next(_numbers)}"


@pytest.fixture
def proxy(mlflow: MlflowServer) -> Iterator[FaultyProxy]:
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
