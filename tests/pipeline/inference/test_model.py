"""A model is brought here once, from where its run says that it stays, and checked."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from components.data_stores import StoresConfig
from components.digest import model_digest
from pipeline.inference.choice import Chosen
from pipeline.inference.model import ExportedModel, fetch_model
from tests.emulators.gcs import GcsEmulator
from tracking import names
from tracking.errors import TrackingError
from tracking.runs import TrackedRun


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder like a SavedModel's, with what a pusher lays beside it."""
    folder = tmp_path / "model"
    for name in ("saved_model.pb", "variables/variables.index", "edge.tflite"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def chosen(uri: str, digest: str) -> Chosen:
    tags = {names.RUN_ID: "mine", names.MODEL_URI: uri, names.MODEL_DIGEST: digest}
    return Chosen(TrackedRun("1", "FINISHED", datetime.now().astimezone(), tags, {}))


def fetch_into(folder: str, uri: str, digest: str) -> Path:
    """Brings a model into the folder of a machine, in another process."""
    os.chdir(folder)
    return fetch_model(StoresConfig(), chosen(uri, digest)).absolute()


def test_from_cloud_storage_once(
    child: Callable[..., Path], gcs: GcsEmulator, bucket: str, model: Path, tmp_path: Path
) -> None:
    store = gcs.client.bucket(bucket.removeprefix("gs://"))
    files = {path.relative_to(model): path for path in model.rglob("*") if path.is_file()}
    for name, path in files.items():
        store.blob(f"serving/7/{name}").upload_from_filename(str(path))
    machine = tmp_path / "machine"
    machine.mkdir()
    asked = (fetch_into, str(machine), f"{bucket}/serving/7", model_digest(model))
    found = child(*asked)
    assert found.is_relative_to(machine)
    assert {
        path.relative_to(found): path.read_bytes() for path in found.rglob("*") if path.is_file()
    } == {name: path.read_bytes() for name, path in files.items()}
    store.delete_blobs(list(store.list_blobs()))
    assert child(*asked) == found
    with pytest.raises(TrackingError, match="cannot be copied"):
        child(fetch_into, str(machine), f"{bucket}/serving/8", "another")


def test_what_lies_beside_a_model_is_none_of_it(model: Path) -> None:
    told = chosen(str(model), model_digest(model))
    (model / "edge.tflite").write_bytes(b"another one")
    assert fetch_model(StoresConfig(), told) == model
    (model / "variables" / "variables.index").write_bytes(b"changed")
    with pytest.raises(TrackingError, match=r"is not the one that run mine recorded"):
        fetch_model(StoresConfig(), told)
    (model / "saved_model.pb").unlink()
    with pytest.raises(TrackingError, match="holds no SavedModel"):
        fetch_model(StoresConfig(), told)


def test_what_is_no_model_of_the_pipeline(model: Path) -> None:
    with pytest.raises(TrackingError, match="holds no model of this pipeline"):
        ExportedModel(model)
