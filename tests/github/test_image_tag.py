"""The name of the container image: by what is copied into it, and by nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.github.images import image_tag

COPIED = [
    line.removeprefix("!")
    for line in (REPOSITORY / ".dockerignore").read_text().splitlines()
    if line.startswith("!")
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of as little as the script looks at."""
    scripts = tmp_path / ".github" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy(REPOSITORY / ".github" / "scripts" / "image-tag", scripts)
    shutil.copy(REPOSITORY / ".dockerignore", tmp_path)
    for name in ("Dockerfile", "docs/page.md", *(f"{one}/file" for one in COPIED)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    commit(tmp_path)
    return tmp_path


def commit(repository: Path) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["add", "--all"], [*who, "commit", "--quiet", "--message", "a change"]):
        subprocess.run(["git", *command], cwd=repository, check=True)


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", *COPIED])
def test_what_is_copied_changes_it(repository: Path, name: str) -> None:
    before = image_tag(repository)
    path = repository / name
    with (path / "file" if path.is_dir() else path).open("a") as file:
        file.write("\n# changed\n")
    commit(repository)
    assert image_tag(repository) != before


def test_nothing_else_does(repository: Path) -> None:
    before = image_tag(repository)
    (repository / "docs" / "page.md").write_text("changed")
    commit(repository)
    assert image_tag(repository) == before and before.startswith("cpu-")
