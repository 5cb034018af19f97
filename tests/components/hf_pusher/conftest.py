"""What the tests of HFPusher share: an emulated Hub, and a model to publish to it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.hf_pusher.config import HubConfig
from components.hf_pusher.publish import Publication, Publisher
from models.provenance import Provenance, write_provenance
from tests.emulators.hub import HubEmulator, Limits
from tests.models.small_model import CONFIG

TOKEN = "hf_write_0123456789"
MODEL = "demo/pets"

Publish = Callable[..., Publication]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubEmulator]:
    """An empty Hub whose user `demo` has a token in HF_TOKEN."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubEmulator(tmp_path / "hub", limits=Limits(regular_bytes=50_000)) as hub:
        hub.add_token(TOKEN, user="demo", orgs=("acme",))
        yield hub


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Files as they are published; graph and weights are in LFS, being large."""
    return write_model(tmp_path / "model")


@pytest.fixture
def publish(hub: HubEmulator, model: Path, tmp_path: Path) -> Publish:
    """Publishes the model, as a run of the pipeline would; settings may be given."""

    def published(**settings: object) -> Publication:
        return publish_to(hub.endpoint, model, tmp_path, **settings)

    return published


def write_model(folder: Path, weights: bytes = b"weights" * 10_000) -> Path:
    """Writes a folder that is published as it is; an existing one is changed."""
    for name in ("variables", "assets.extra", "overlays"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"graph" * 1000)
    (folder / "variables" / "variables.data-00000-of-00001").write_bytes(weights)
    write_provenance(str(folder), Provenance(**CONFIG.model_dump()))
    (folder / "overlays" / "best.jpg").write_bytes(b"\xff\xd8picture")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# pets\n")
    return folder


def publish_to(endpoint: str, model: Path, folder: Path, **settings: object) -> Publication:
    """Publishes a model with one example, from a fresh workspace in a folder."""
    return Publisher(config(endpoint, **settings), workspace(folder)).publish(
        model, examples(folder)
    )


def config(endpoint: str, **settings: object) -> HubConfig:
    return HubConfig.model_validate(
        {"hf_repo_id": MODEL, "hf_endpoint": endpoint, **settings}  # the Space has the same name
    )


def workspace(folder: Path) -> Path:
    """A new empty folder."""
    made = folder / f"workspace-{len(list(folder.glob('workspace-*')))}"
    made.mkdir()
    return made


def examples(folder: Path) -> Path:
    made = folder / "examples"
    made.mkdir(exist_ok=True)
    (made / "best.jpg").write_bytes(b"\xff\xd8photo")
    return made
