"""What `make` does without being asked, seen in what it says that it would run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

_OF_THE_DEMO = ("DATA_ROOT", "RECIPE")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A project whose environment is newer than its lock, as uv makes one."""
    project = tmp_path / "before"
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".github" / "uv").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "uv.lock", ".github/uv/requirements.txt"):
        shutil.copy(REPOSITORY / name, project / name)
    (project / ".venv/bin/activate").write_text(f"VIRTUAL_ENV='{project}/.venv'\n")
    (project / ".venv/installed").touch()
    return project


def would_run(project: Path, target: str = "setup", **settings: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name not in _OF_THE_DEMO}
    done = subprocess.run(
        ["make", "--dry-run", target],
        cwd=project,
        env=inherited | settings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_an_environment_is_made_once(installed: Path) -> None:
    assert "uv sync" not in would_run(installed)
    linked = installed.with_name("linked")
    linked.symlink_to(installed)
    assert "uv sync" not in would_run(linked)


@pytest.mark.parametrize("go", [shutil.move, shutil.copytree])
def test_in_a_project_that_was_moved_or_copied_it_is_made_again(installed: Path, go) -> None:
    went = would_run(Path(go(installed, installed.with_name("after"))))
    assert went.index("rm -rf .venv") < went.index("uv sync")


@pytest.mark.parametrize(
    ("settings", "data"), [({}, "data/pets"), ({"DATA_ROOT": "data/my pets"}, "data/my pets")]
)
def test_the_demo_of_photos_converts_and_is_then_the_other_one(
    installed: Path, settings: dict[str, str], data: str
) -> None:
    printed = would_run(installed, "demo-pets", RECIPE="scenes", **settings)
    lines = printed.replace("\\\n", "").splitlines()
    fetched, run = (
        next(number for number, line in enumerate(lines) if words in line)
        for words in ("create_tfrecords_pets --download", "python local_runner.py")
    )
    assert fetched < run
    assert f'--output "{data}"' in lines[fetched]
    of_the_demo = would_run(installed, "demo", RECIPE="pets").replace("\\\n", "")
    assert lines[run] == of_the_demo.splitlines()[-1]
    assert "tfrecords.synthetic" not in printed
