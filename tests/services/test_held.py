"""Servers that processes share end with the last one that holds them."""

import os
import threading
from pathlib import Path

import pytest

from tests.services import held
from tests.services.held import Addresses


@pytest.fixture
def reading(tmp_path: Path) -> int:
    """The servers' end of the pipe."""
    os.mkfifo(tmp_path / held._HOLD)
    end = os.open(tmp_path / held._HOLD, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(end, True)
    return end


def grab(folder: Path) -> int:
    found = held._open(folder)
    assert found is not None
    return found


def test_who_comes_second_finds_the_same_servers(mlflow_on_postgres: Addresses, shared) -> None:
    folder = shared("mlflow_on_postgres", lambda folder: None)
    with held.hold(folder) as again:
        assert again == mlflow_on_postgres
    with held.hold(folder) as after:
        assert after == mlflow_on_postgres


def test_the_last_holder_takes_the_pipe_along(tmp_path: Path, reading: int) -> None:
    first, second = grab(tmp_path), grab(tmp_path)
    waiting = threading.Thread(target=held._let_go, args=(tmp_path, reading))
    waiting.start()
    os.close(first)
    waiting.join(0.5)
    assert waiting.is_alive()
    os.close(second)
    waiting.join(60)
    assert not waiting.is_alive()
    assert held._open(tmp_path) is None


def test_who_comes_just_then_is_seen(tmp_path: Path, reading: int) -> None:
    assert not held._is_held(reading)
    holding = grab(tmp_path)
    assert held._is_held(reading)
    os.close(holding)
    assert not held._is_held(reading)
