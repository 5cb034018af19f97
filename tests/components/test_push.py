import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.serving_pusher.push import digest, push
from tests.conftest import REPOSITORY


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    return folder


def versions(base: Path) -> list[int]:
    return sorted(int(path.name) for path in base.iterdir())


def test_a_model_becomes_a_version_with_all_its_files(model: Path, tmp_path: Path) -> None:
    version = Path(push(str(model), str(tmp_path / "serving")))
    assert version.parent == tmp_path / "serving"
    assert abs(int(version.name) - time.time()) < 60
    assert (version / "variables" / "variables.index").read_bytes() == b"weights"


def test_the_same_model_is_not_pushed_twice(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "serving"
    assert push(str(model), str(base)) == push(str(model), str(base))
    assert len(versions(base)) == 1


def test_another_model_is_a_newer_version_even_within_a_second(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "serving"
    first = push(str(model), str(base))
    (model / "saved_model.pb").write_bytes(b"another graph")
    second = push(str(model), str(base))
    assert int(Path(second).name) > int(Path(first).name)
    assert digest(first) != digest(second) == digest(str(model))


def test_a_killed_push_leaves_no_version_and_is_cleared_away(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "serving"
    for number in range(3000):
        (model / "variables" / str(number)).write_bytes(b"x" * 1000)
    script = f"from components.serving_pusher.push import push; push({str(model)!r}, {str(base)!r})"
    process = subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY)
    while not list(base.glob(".incoming-*/variables/*")):
        assert process.poll() is None
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert [path for path in base.iterdir() if path.name.isdecimal()] == []

    version = push(str(model), str(base))
    assert digest(version) == digest(str(model))
    assert [path.name for path in base.iterdir()] == [Path(version).name]


def test_digest_sees_names_as_well_as_bytes(model: Path) -> None:
    before = digest(str(model))
    (model / "saved_model.pb").rename(model / "saved_model.bin")
    assert digest(str(model)) != before
