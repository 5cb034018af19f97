"""From drawn scenes with a version to a model, and from the model alone to the same figures."""

import io
import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.configs import load_settings
from pipeline.data_version import with_data
from stores.address import LakeFSAddress
from stores.imports import import_to_lakefs
from stores.lakefs import LakeFS
from tests.conftest import REPOSITORY as PROJECT
from tests.emulators.lakefs import SECRET_KEY, LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.pages import blocks
from tests.pages import typed as as_typed
from tests.small_runs import SMOKE
from tests.stores.conftest import read
from tfrecords.dataset import read_info

MODELS = "image-models"
SECRET = SECRET_KEY.encode()
Typed = Callable[..., subprocess.CompletedProcess[str]]
BRANCH = LakeFSAddress("image-data", "main", "data/tfrecords")


@pytest.fixture
def typed(lakefs: LakeFSEmulator, tmp_path: Path) -> Typed:
    """Runs a command line of the project in a folder, as on an empty machine but for its keys."""

    def run(command: str, folder: str = "machine", **settings: str) -> subprocess.CompletedProcess:
        (tmp_path / folder).mkdir(exist_ok=True)
        keys = "".join(f"{name}={value}\n" for name, value in lakefs.environment.items())
        (tmp_path / folder / ".env").write_text(keys)
        environment = {
            **os.environ,
            "PATH": f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "COLUMNS": "400",
            "LAKEFS_ENDPOINT": lakefs.endpoint,
            "RECIPE": str(SMOKE["RECIPE"]),
        }
        return subprocess.run(
            command.replace("local_runner.py", str(PROJECT / "local_runner.py")),
            shell=True,
            cwd=tmp_path / folder,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=1500,
        )

    return run


def figures(typed: Typed, machine: Path) -> dict[str, float]:
    """What the Evaluator measured of the only model that was pushed there."""
    [model] = machine.glob("output/*/serving/*")
    told = typed(f"visionpipe lineage --json {model.name}", folder=machine.name)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)["figures"]


@pytest.mark.slow
def test_a_model_leads_back_to_its_data(
    typed: Typed,
    store: LakeFS,
    few_pets: Path,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
    s3_bucket: str,
) -> None:
    drawn = Path(shutil.copytree(few_pets, tmp_path / "machine" / "data" / "scenes"))
    (drawn / ".made").unlink()
    shards = read(drawn)
    [page] = [
        as_typed(block.text)
        for block in blocks("docs/data-versions.md", "bash")
        if block.heading == "Data with versions"
    ]
    make_data, import_data, train, lineage = page.splitlines()
    assert make_data == "make data"  # which here is made of few images
    imported = typed(import_data)
    assert imported.returncode == 0, imported.stderr
    fixed = imported.stdout.strip()
    models = {"LAKEFS_REPOSITORY": MODELS, "LAKEFS_STORAGE_NAMESPACE": f"s3://{s3_bucket}/models"}
    done = typed(train, **models)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fixed in done.stdout
    [model] = (tmp_path / "machine").glob("output/*/serving/*")
    pushed = lakefs.content(MODELS)["models/smoke/assets.extra/provenance.json"]
    assert pushed == (model / "assets.extra" / "provenance.json").read_bytes()
    provenance = json.loads(pushed)
    assert provenance["data_version"] == fixed
    [report] = (tmp_path / "machine").glob("output/*/pipeline/reports/2*.html")
    assert fixed in report.read_text()
    told = typed(f"{lineage.rpartition(' ')[0]} {model.name}")
    assert f"visionpipe data pull {fixed}" in told.stdout, told.stderr
    assert "by tests: Import data/scenes" in told.stdout
    # The keys were found in .env, and are nowhere else.
    for path in (tmp_path / "machine").rglob("*"):
        assert path.name == ".env" or not path.is_file() or SECRET not in path.read_bytes(), path
    assert SECRET.decode() not in "".join(one.stdout + one.stderr for one in (imported, done, told))

    # The branch goes on; what the model says alone brings the same bytes to an empty machine.
    (drawn / "more").write_bytes(b"more")
    import_to_lakefs(store, drawn, BRANCH, "More", lambda size: None)
    found = typed(f"visionpipe data pull {provenance['data_version']}", folder="empty")
    assert found.returncode == 0, found.stderr
    folder, address = found.stdout.split()
    assert (read(tmp_path / "empty" / folder), address) == (shards, fixed)
    # A model that is trained there on them is as good, to the last digit.
    trained = typed("python local_runner.py", folder="empty", DATA_VERSION=address)
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert "(reused)" not in trained.stdout
    measured = figures(typed, tmp_path / "machine")
    assert measured["mean_iou"] > 0
    assert figures(typed, tmp_path / "empty") == measured

    # Where the copy is, the store is not asked, and every step is reused.
    before = len(lakefs.requests)
    again = typed("python local_runner.py", DATA_VERSION=fixed)
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(lakefs.requests) == before
    assert "(reused)" in again.stdout


def test_a_folder_of_the_bucket_is_brought_and_converted(
    s3: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Photos in split_1/USAGE/CLASS/, and the same photos once more in another split."""
    for number in range(24):
        noise = np.random.default_rng(number).integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(noise).save(file := io.BytesIO(), "PNG")
        usage = ("train", "val", "calibration")[number % 3]
        key = f"split_1/{usage}/{('defective', 'good')[number % 2]}/{number}.png"
        s3.put(s3_bucket, key, file.getvalue())
        if number == 0:
            s3.put(s3_bucket, "split_1/val/defective/again.png", file.getvalue())
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    settings = with_data(
        load_settings(recipe="tires", data_version="split_1", tires_bucket=s3_bucket)
    )
    assert settings.data_version and settings.data_version.startswith(f"s3://{s3_bucket}/.manif")
    info = read_info(settings.data_root)
    assert info.class_names == ("defective", "good")
    assert info.counts == {"train": 8, "val": 8, "calibration": 8}
    assert [copy.name for copy in info.duplicates] == ["val/defective/again"]
    with pytest.raises(ValueError, match="split_2"):
        with_data(load_settings(recipe="tires", data_version="split_2", tires_bucket=s3_bucket))


def test_both_sources_of_data_are_refused(typed: Typed) -> None:
    refused = typed("python local_runner.py", DATA_VERSION=str(BRANCH), DATA_ROOT="data/pets")
    assert refused.returncode == 2
    assert "DATA_ROOT=data/pets and DATA_VERSION both say what to train on" in refused.stderr
    assert "Traceback" not in refused.stderr
