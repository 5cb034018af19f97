import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from components.serving_pusher.push import digest, pin, push
from serving import config
from serving.errors import ServingError
from serving.gateway.versions import find_wanted
from tests.conftest import REPOSITORY
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator


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


def test_what_is_pinned_goes_on_to_be_served(model: Path, tmp_path: Path) -> None:
    base = tmp_path / "serving"
    pin(str(base), "tires")
    push(str(model), str(base))
    with pytest.raises(ServingError, match="No version in .* is in production yet"):
        find_wanted("tires", base)
    (base / config.FILE).unlink()
    first = int(Path(push(str(model), str(base))).name)
    pin(str(base), "tires")
    (model / "saved_model.pb").write_bytes(b"another graph")
    push(str(model), str(base))
    pin(str(base), "tires")
    wanted = find_wanted("tires", base)
    assert (list(wanted.folders), wanted.labels) == ([first], {"stable": first})


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


@pytest.fixture(params=["a disk", "a bucket"])
def source(request: pytest.FixtureRequest, gcs: GcsEmulator, bucket: str, model: Path) -> str:
    """The model, one of whose assets has the name of its graph."""
    (model / "assets.extra").mkdir()
    (model / "assets.extra" / "saved_model.pb").write_bytes(b"another model's graph")
    (model / "variables" / "variables.data-00000-of-00001").write_bytes(bytes(range(256)) * 1000)
    if request.param == "a disk":
        return str(model)
    gcs.upload_tree(model, f"{bucket}/model")
    return f"{bucket}/model"


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def written(gcs: GcsEmulator) -> list[str]:
    """The objects that were written so far, in their order, but for the markers of folders."""
    asked = [(request.method, urlsplit(request.path)) for request in gcs.requests]
    uploads = [parse_qs(url.query) for method, url in asked if method in ("POST", "PUT")]
    return [
        query["name"][0] for query in uploads if "name" in query and query["name"][0][-1] != "/"
    ]


def test_a_version_in_a_bucket_has_all_files_and_saved_model_comes_last(
    gcs: GcsEmulator, bucket: str, child: ChildProcess, source: str, model: Path, tmp_path: Path
) -> None:
    before = len(written(gcs))
    version = child(push, source, f"{bucket}/serving")
    assert version.removeprefix(f"{bucket}/serving/").isdecimal()
    gcs.download_tree(version, tmp_path / "pushed")
    assert files(tmp_path / "pushed") == files(model)
    names = list(dict.fromkeys(written(gcs)[before:]))
    prefix = version.removeprefix(f"{bucket}/")
    assert sorted(names) == sorted(f"{prefix}/{name}" for name in files(model))
    assert names[-1] == f"{prefix}/saved_model.pb"


def test_the_same_model_is_not_pushed_to_a_bucket_twice(
    gcs: GcsEmulator, bucket: str, child: ChildProcess, source: str
) -> None:
    version = child(push, source, f"{bucket}/serving")
    objects, before = gcs.list(bucket), len(written(gcs))
    assert child(push, source, f"{bucket}/serving") == version
    assert gcs.list(bucket) == objects
    assert len(written(gcs)) == before


def test_a_version_in_a_bucket_that_is_not_whole_counts_for_nothing_but_its_number(
    gcs: GcsEmulator, bucket: str, child: ChildProcess, model: Path
) -> None:
    killed = int(time.time()) + 3600
    gcs.upload_tree(model / "variables", f"{bucket}/serving/{killed}/variables")
    version = child(push, str(model), f"{bucket}/serving")
    assert version == f"{bucket}/serving/{killed + 1}"
    assert gcs.exists(f"{version}/saved_model.pb")
    assert gcs.exists(f"{bucket}/serving/{killed}/variables/variables.index")
    assert child(push, str(model), f"{bucket}/serving") == version
