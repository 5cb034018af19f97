"""Servers of MLflow, for all tests that need one."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.emulators.googleapis import ServerMissing
from tests.services.held import Addresses, hold
from tests.services.pgpool import find_program
from tests.services.postgres import find_programs


@pytest.fixture(scope="session")
def databases() -> None:
    """PostgreSQL and PgPool, which Debian packages."""
    try:
        find_programs()
        find_program()
    except ServerMissing as missing:
        pytest.skip(f"{missing}; `make test-services` installs it where it may")


@pytest.fixture(scope="session")
def mlflow_on_postgres(databases: None, shared) -> Iterator[Addresses]:
    """One MLflow on PostgreSQL behind PgPool, for all tests of all processes."""
    with hold(shared("mlflow_on_postgres", lambda folder: None)) as addresses:
        yield addresses


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that PostgreSQL's user may enter; pytest's own are for root alone."""
    with tempfile.TemporaryDirectory(prefix="services-") as name:
        os.chmod(name, 0o711)
        yield Path(name)
