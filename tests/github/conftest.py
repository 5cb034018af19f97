"""What the tests of workflows share: a repository as a team has it, and GitHub's machine."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.github import images
from tests.github.player import Player, repository_copy

_OF_THE_PROJECT = ("PYTHONPATH", "VIRTUAL_ENV", "CI")
_OF_PYTEST = ("PYTEST_", "HF_")


def machine(home: Path) -> dict[str, str]:
    """The environment of a machine on which nothing of the project is installed or set."""
    home.mkdir(exist_ok=True)
    own = str(Path(sys.executable).parent)
    path = [place for place in os.environ["PATH"].split(":") if place != own]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_PROJECT and not name.startswith(_OF_PYTEST)
    }
    return {
        **kept,
        "PATH": ":".join(path),
        "HOME": str(home),
        # What was downloaded once is not downloaded again.
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
    }


@pytest.fixture(scope="session")
def base_images(shared: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, str]:
    """The environment in which buildah finds the images that the Dockerfile begins with."""
    if why := images.missing():
        pytest.skip(why)

    def make(folder: Path) -> None:
        images.make_bases(folder, images.store(folder / "store"))

    return images.store(shared("base_images", make) / "store")


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The repository of a team that has forked this one."""
    return repository_copy(REPOSITORY, tmp_path / "team")


@pytest.fixture
def player(tmp_path: Path, team: Path) -> Player:
    """GitHub, for whom no action but the checkout works."""
    return Player(tmp_path / "runs", team, machine(tmp_path / "home"))
