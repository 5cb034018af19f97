"""What the tests of LakeFSPusher share: a model, and how it is pushed to an emulated lakeFS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.data_stores import connect_lakefs
from components.lakefs_pusher.config import Destination
from components.lakefs_pusher.push import Pushed, Pusher
from tests.emulators.lakefs import ACCESS_KEY, SECRET_KEY, LakeFSEmulator

REPOSITORY = "image-segmentation-local-repo"
TOLD = {"run": "2026-11-22T03-17-27", "metric.mean_iou": "0.789"}

Push = Callable[..., Pushed]


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    set_keys(monkeypatch.setenv)


def set_keys(setenv: Callable[[str, str], Any]) -> None:
    setenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID", ACCESS_KEY)
    setenv("LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY", SECRET_KEY)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model")


@pytest.fixture
def namespace(s3_bucket: str) -> str:
    """Where a repository may keep its objects."""
    return f"s3://{s3_bucket}/models"


@pytest.fixture
def push(lakefs: LakeFSEmulator, namespace: str, model: Path) -> Push:
    """Pushes the model, as a run of the pipeline would; settings may be given."""

    def pushed(source: str = "Trainer/1", **settings: object) -> Pushed:
        return push_to(lakefs.endpoint, namespace, model, source, **settings)

    return pushed


def push_to(
    endpoint: str, namespace: str, model: Path, source: str = "Trainer/1", **settings: object
) -> Pushed:
    """Pushes a model of the recipe `scenes`."""
    return pusher(endpoint, namespace, **settings).push(model, TOLD, source)


def pusher(endpoint: str, namespace: str, recipe: str = "scenes", **settings: object) -> Pusher:
    """A pusher by the settings."""
    destination = config(endpoint, namespace, **settings)
    return Pusher(connect_lakefs(destination), destination, recipe)


def config(endpoint: str, namespace: str | None, **settings: object) -> Destination:
    return Destination.model_validate(
        {
            "lakefs_repository": REPOSITORY,
            "lakefs_storage_namespace": namespace,
            "lakefs_endpoint": endpoint,
            **settings,
        }
    )


def write_model(folder: Path, weights: bytes = b"weights" * 1000) -> Path:
    """Writes a folder like a SavedModel's; an existing one is changed."""
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(weights)
    (folder / "empty").write_bytes(b"")
    return folder
