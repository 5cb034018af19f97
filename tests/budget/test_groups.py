"""The groups of tests."""

import ast
import subprocess
from pathlib import Path

import pytest

from tests.budget.groups import GROUPS, find_concerned, find_group, list_changed
from tests.conftest import REPOSITORY


def test_what_the_groups_name_exists() -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    for name, group in GROUPS.items():
        for place in (*group.tests, *group.depends):
            assert (REPOSITORY / place).exists(), f"group {name} names {place}"
        assert f"--group={name}\n" in makefile


@pytest.mark.parametrize(
    ("file", "group"),
    [
        ("tests/emulators/test_gcs.py", "emulators"),
        ("tests/emulators/test_lakefs.py", "services"),
        ("tests/github/test_image.py", "image"),
        ("tests/github/test_image_script.py", "test"),
        ("tests/models/segmentation/test_metrics.py", "networks"),
        ("tests/components/edge_exporter/test_convert.py", "networks"),
        ("tests/components/edge_exporter/test_edge_executor.py", "test"),
    ],
)
def test_a_test_is_in_one_group(file: str, group: str) -> None:
    assert (REPOSITORY / file).exists()
    assert find_group(Path(file)) == group


def test_the_networks_depend_on_all_that_their_tests_import() -> None:
    group = GROUPS["networks"]
    files = [
        file
        for place in map(REPOSITORY.joinpath, group.tests)
        for file in (place.rglob("*.py") if place.is_dir() else [place])
    ]
    imported = {name for file in files for name in list_imports(file)}
    assert "models/train.py" in imported
    for name in imported:
        assert find_concerned([name]), f"group networks imports {name}"


def list_imports(file: Path) -> set[str]:
    """Lists the files and folders of the product that a file imports, relative to the root."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("test"):
            place = node.module.replace(".", "/")
            names = [f"{place}/{alias.name}" for alias in node.names] + [place]
            for name in names:
                if (REPOSITORY / f"{name}.py").exists():
                    found.add(f"{name}.py")
                    break
            else:
                if (REPOSITORY / place).is_dir():
                    found.add(place)
    return found


def test_a_change_concerns_the_groups_that_depend_on_it() -> None:
    assert find_concerned(["pipeline/checks/local.py"]) == []
    assert find_concerned(["models/segmentation/unet.py"]) == ["networks"]
    assert find_concerned(["Dockerfile"]) == ["image"]
    assert find_concerned(["tests/emulators/gcs/shim.py"]) == ["emulators"]
    assert find_concerned(["uv.lock"]) == ["networks", "services", "emulators", "image"]
    assert find_concerned(None) == [name for name in GROUPS if name != "test"]


def commit(folder: Path, name: str, date: str) -> None:
    (folder / name).touch()
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    for words in (["add", "--all"], ["commit", "--quiet", "--message=Work"]):
        subprocess.run(["git", *identity, *words], cwd=folder, env=dates, check=True)


def test_the_last_day_is_what_changed_and_a_short_history_does_not_tell(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    now = subprocess.run(["date", "-R"], capture_output=True, text=True, check=True).stdout.strip()
    commit(tmp_path, "new", now)
    assert list_changed(tmp_path) is None
    subprocess.run(["rm", "-rf", ".git", "new"], cwd=tmp_path, check=True)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    commit(tmp_path, "old", "2026-01-01T00:00:00Z")
    assert list_changed(tmp_path) == []
    commit(tmp_path, "new", now)
    assert list_changed(tmp_path) == ["new"]
    assert list_changed(tmp_path, "HEAD") == []
    assert list_changed(tmp_path, "0" * 40) is None
