"""What the tests of workflows share: a repository as a team has it, and GitHub's machine."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.emulators.registry import buildah
from tests.github import images
from tests.github.machines import machine
from tests.github.player import Player
from tests.github.repositories import repository_copy
from tests.github.runs import Left, play_two


@pytest.fixture(scope="session")
def base_images(shared: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, str]:
    """The environment in which buildah finds the images that the Dockerfile begins with."""
    if why := images.missing():
        pytest.skip(why)

    def make(folder: Path) -> None:
        images.make_bases(folder, buildah.store(folder / "store"))

    return buildah.store(shared("base_images", make) / "store")


@pytest.fixture(scope="session")
def left(shared: Callable[[str, Callable[[Path], None]], Path], few_pets: Path) -> Left:
    """What two runs of train.yml left behind."""
    made = shared("trained_by_workflow", lambda folder: play_two(folder, few_pets))
    return pickle.loads((made / "left.pickle").read_bytes())


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The repository of a team that has forked this one."""
    return repository_copy(REPOSITORY, tmp_path / "team")


@pytest.fixture
def player(tmp_path: Path, team: Path) -> Player:
    """GitHub, for whom no action but the checkout works."""
    return Player(tmp_path / "runs", team, machine(tmp_path / "home"))
