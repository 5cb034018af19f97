"""What `make` does without being asked, seen in what it says that it would run."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


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


def would_run(project: Path) -> str:
    done = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_an_environment_is_made_once(installed: Path) -> None:
    assert "uv sync" not in would_run(installed)
    linked = installed.with_name("linked")
    linked.symlink_to(installed)
    assert "uv sync" not in would_run(linked)


@pytest.mark.parametrize("go", [shutil.move, shutil.copytree])
def test_in_a_project_that_was_moved_or_copied_it_is_made_anew(installed: Path, go) -> None:
    went = would_run(Path(go(installed, installed.with_name("after"))))
    assert went.index("rm -rf .venv") < went.index("uv sync")
