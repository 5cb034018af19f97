"""A model that is watched, and its log."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Versions 1 and 2 of a classifier."""
    from tests.monitoring.traffic import push

    folder = tmp_path_factory.mktemp("models")
    push(folder, 1)
    push(folder, 2)
    return folder


@pytest.fixture
def monitored(models: Path, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs a verb on the folder `log`, to the folder `output`; gives the exit code and the page."""
    from pipeline.__main__ import main

    def run(verb: str = "monitor", arguments: Sequence[str] = (), model: Path = models):
        places = {"log": tmp_path / "log", "model": model, "output": tmp_path / "output"}
        options = [f"--{name}={place}" for name, place in places.items()]
        status = main([verb, *options, *arguments])
        page = tmp_path / "output" / "monitor.html"
        return status, page.read_text() if page.exists() else ""

    return run


@pytest.fixture
def just_now() -> float:
    """Some minutes ago: requests since then are no silence."""
    return time.time() - 1500
