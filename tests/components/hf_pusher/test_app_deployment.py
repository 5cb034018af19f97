"""The Space's app brought up to date, with the real client and an emulated Hub."""

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import Publisher
from tests.components.hf_pusher.conftest import MODEL, TOKEN, Publish, config, workspace
from tests.components.hf_pusher.spaces import pinned, titles
from tests.emulators.hub import HubEmulator


def test_the_app_is_deployed_without_its_model(
    hub: HubEmulator, publish: Publish, model: Path, tmp_path: Path
) -> None:
    publish()
    api = HfApi(endpoint=hub.endpoint, token=TOKEN)
    manifest = json.loads(hub.content("spaces", MODEL, "main", "published.json"))
    manifest["files"].append("gone.py")
    files = {
        "app.py": b"print()",
        "gone.py": b"",
        "published.json": json.dumps(manifest).encode(),
        "notes.txt": b"mine",
    }
    for name, content in files.items():  # an earlier app, and a file that is not ours
        api.upload_file(
            path_or_fileobj=content, path_in_repo=name, repo_id=MODEL, repo_type="space"
        )
    served = pinned(hub)
    done = Publisher(config(hub.endpoint), workspace(tmp_path)).deploy()
    space = hub.tree("spaces", MODEL)
    assert done.changed and space["app.py"] != files["app.py"]
    assert "gone.py" not in space and space["notes.txt"] == b"mine"
    assert pinned(hub) == served and titles(hub, "spaces")[0] == "Update the app"
    assert {path for path in space if path.startswith("examples/")} == {"examples/best.jpg"}
    again = Publisher(config(hub.endpoint), workspace(tmp_path)).deploy()
    assert not again.changed and again.space_revision == done.space_revision


def test_there_is_no_space_to_deploy_to(hub: HubEmulator, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"spaces/demo/pets holds no model.json; publish a model"):
        Publisher(config(hub.endpoint), workspace(tmp_path)).deploy()
