"""What others have in a repository stays, and what is another model's is left alone."""

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi, RepoCard

from components.hf_pusher import ownership
from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import Publisher, check_hub
from tests.components.hf_pusher.conftest import MODEL, TOKEN, Publish, config, workspace
from tests.emulators.hub import HubEmulator

BY_HAND = "---\nlicense: mit\ntags: [cats]\nlanguage: en\n---\n\n# My cats\n\nWritten by hand.\n"
CARD = f"---\nlicense: other\ntags: [tfx]\n---\n{ownership.BEGIN}\n\n# pets\n\n{ownership.END}\n"


@pytest.fixture
def api(hub: HubEmulator) -> HfApi:
    return HfApi(endpoint=hub.endpoint, token=TOKEN)


def upload(api: HfApi, path: str, content: str, kind: str = "model") -> None:
    api.upload_file(
        path_or_fileobj=content.encode(), path_in_repo=path, repo_id=MODEL, repo_type=kind
    )


def card(hub: HubEmulator, kind: str = "models") -> str:
    return hub.tree(kind, MODEL)["README.md"].decode()


def write_identity(model: Path, recipe: str, task: str = "image-segmentation") -> None:
    (model / "provenance.json").write_text(json.dumps({"recipe": recipe, "task": task}))


def test_a_repository_made_by_hand_keeps_what_is_in_it(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("READ_TOKEN", "hf_read_9876543210")
    (model / "README.md").write_text(CARD)
    api.create_repo(MODEL, private=True)
    upload(api, "README.md", BY_HAND)
    upload(api, "assets/notes.txt", "mine")
    for _ in range(2):
        publish(hf_space_secrets={"HF_TOKEN": "READ_TOKEN"})
        assert hub.repository("models", MODEL).private
        assert hub.repository("spaces", MODEL).private
        assert hub.tree("models", MODEL)["assets/notes.txt"] == b"mine"
        made = RepoCard(card(hub))
        assert made.data.to_dict() == {"license": "mit", "tags": ["cats", "tfx"], "language": "en"}
        assert made.text.count("Written by hand.") == made.text.count("# pets") == 1


def test_text_beside_our_section_stays_from_version_to_version(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path, tmp_path: Path
) -> None:
    (model / "README.md").write_text(CARD)
    first = publish()
    assert card(hub) == CARD
    upload(api, "README.md", f"{CARD}\nCall us.\n")
    (model / "README.md").write_text(CARD.replace("# pets", "# better pets"))
    publish()
    assert card(hub).index("# better pets") < card(hub).index("Call us.")
    assert "# pets" not in card(hub)
    Publisher(config(hub.endpoint), workspace(tmp_path)).rollback(first.tag)
    assert card(hub).index("# pets") < card(hub).index("Call us.")


def test_a_card_that_was_changed_on_the_space_keeps_its_words(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path
) -> None:
    publish()
    changed = RepoCard(card(hub, "spaces"))
    changed.data["title"], changed.data["app_file"] = "Mine", "other.py"
    changed.text = "\nMy words.\n"
    upload(api, "README.md", str(changed), "space")
    (model / "saved_model.pb").write_bytes(b"another")
    publish()
    now = RepoCard(card(hub, "spaces"))
    assert (now.data["title"], now.data["app_file"]) == ("Mine", "app.py")
    assert "My words." in now.text


@pytest.mark.parametrize(("kind", "path"), [("model", "saved_model.pb"), ("space", "app.py")])
def test_files_of_others_in_our_places_are_not_overwritten(
    hub: HubEmulator, api: HfApi, publish: Publish, kind: str, path: str
) -> None:
    sdk = {"space_sdk": "gradio"} if kind == "space" else {}
    api.create_repo(MODEL, repo_type=kind, **sdk)
    upload(api, path, "theirs", kind)
    with pytest.raises(HubError, match=f"holds files that were not published.*: {path}; set HF_"):
        publish()
    assert hub.content(f"{kind}s", MODEL, "main", path) == b"theirs"


def test_files_that_others_added_later_are_not_overwritten_either(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path
) -> None:
    publish()
    upload(api, "assets/labels.txt", "theirs")
    (model / "assets").mkdir()
    (model / "assets" / "labels.txt").write_text("ours")
    with pytest.raises(HubError, match="not published by this pipeline: assets/labels.txt; set"):
        publish()
    assert hub.tree("models", MODEL)["assets/labels.txt"] == b"theirs"


def test_another_recipes_repository_is_left_alone(
    hub: HubEmulator, publish: Publish, model: Path
) -> None:
    write_identity(model, "pets")
    publish()
    before = [hub.tree(kind, MODEL) for kind in ("models", "spaces")]
    write_identity(model, "leaves")
    for places in ({}, {"hf_repo_id": "demo/leaves", "hf_space_id": MODEL}):
        with pytest.raises(HubError, match=r"is of recipe pets .*, and this model is of leaves"):
            publish(**places)
    write_identity(model, "pets", task="image-classification")
    with pytest.raises(HubError, match="and this model is of pets .image-classification."):
        publish()
    assert before == [hub.tree(kind, MODEL) for kind in ("models", "spaces")]
    assert not hub.exists("models", "demo/leaves")
    with pytest.raises(HubError, match="is of recipe pets"):
        check_hub(config(hub.endpoint), "leaves")
    assert "demo may publish" in check_hub(config(hub.endpoint), "pets")


def test_what_was_published_before_there_were_manifests_is_ours(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path
) -> None:
    write_identity(model, "pets")
    old = f"{BY_HAND}{ownership._OLDER_CARD}\n"
    api.create_repo(MODEL)
    for path in ("saved_model.pb", "provenance.json"):
        upload(api, path, "old")
    upload(api, "README.md", old)
    publish()
    assert card(hub) == (model / "README.md").read_text()


def test_the_app_of_a_space_from_before_there_were_manifests_is_deployed_and_published_to(
    hub: HubEmulator, api: HfApi, publish: Publish, model: Path, tmp_path: Path
) -> None:
    publish()
    api.delete_file("published.json", repo_id=MODEL, repo_type="space")
    Publisher(config(hub.endpoint), workspace(tmp_path)).deploy()
    assert "examples/best.jpg" in hub.tree("spaces", MODEL)
    (model / "saved_model.pb").write_bytes(b"another")
    assert publish().changed


def test_visibility_changes_only_where_it_is_set(hub: HubEmulator, publish: Publish) -> None:
    publish()
    assert not hub.repository("models", MODEL).private
    for kind in ("models", "spaces"):
        hub.repository(kind, MODEL).change(lambda state: state.update(visibility="private"))
    publish(hf_space_secrets={"HF_TOKEN": "HF_TOKEN"})
    assert hub.repository("models", MODEL).private and hub.repository("spaces", MODEL).private
    publish(hf_private=False)
    assert not hub.repository("models", MODEL).private
    assert not hub.repository("spaces", MODEL).private
