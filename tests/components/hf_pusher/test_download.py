"""A published model, brought back."""

from pathlib import Path

import pytest

from components.hf_pusher.answers import HubError
from components.hf_pusher.download import download_model
from tests.components.hf_pusher.conftest import MODEL, Publish, config
from tests.emulators.hub import HubEmulator


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))


def test_a_public_version_is_read_without_a_token(
    hub: HubEmulator, publish: Publish, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = publish().tag
    monkeypatch.delenv("HF_TOKEN")
    folder = download_model(config(hub.endpoint), MODEL, tag)
    files = (path for path in folder.rglob("*") if path.is_file())
    kept = {path.relative_to(folder): path.read_bytes() for path in files}
    assert kept.pop(Path("saved_model.pb")) == (model / "saved_model.pb").read_bytes()
    assert {path.parts[0] for path in kept} == {"variables", "assets.extra"}


def test_what_there_is_to_choose_from(hub: HubEmulator, publish: Publish) -> None:
    tag = publish().tag
    with pytest.raises(HubError, match=f"demo/pets has no tag v-0; its tags are: {tag}"):
        download_model(config(hub.endpoint), MODEL, "v-0")
    with pytest.raises(HubError, match="demo/none is no repository that the token of HF_TOKEN"):
        download_model(config(hub.endpoint), "demo/none", tag)
