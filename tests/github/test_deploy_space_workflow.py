"""deploy-space.yml, with a workflow's identity and an emulated Hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from tests.components.hf_pusher.conftest import MODEL, TOKEN, publish_to, write_model
from tests.emulators.github import GithubEmulator
from tests.emulators.hub import HubEmulator
from tests.github.player import Player


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubEmulator]:
    """A Hub on which two versions of a model were published."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubEmulator(tmp_path / "hub", users={"demo": TOKEN}) as hub:
        for weights in (b"first", b"second"):
            model = write_model(tmp_path / "model", weights)
            publish_to(hub.endpoint, model, tmp_path)
        yield hub


@pytest.fixture
def player(player: Player, hub: HubEmulator, github: GithubEmulator) -> Player:
    hub.trust_publisher(github, ("models", MODEL), ("spaces", MODEL))
    player.environment |= github.environment | {"HF_HUB_DISABLE_XET": "1"}
    player.variables |= {"HF_REPO_ID": MODEL, "HF_ENDPOINT": hub.endpoint}
    return player


def test_a_changed_app_is_deployed(player: Player, hub: HubEmulator) -> None:
    HfApi(endpoint=hub.endpoint, token=TOKEN).upload_file(
        path_or_fileobj=b"old", path_in_repo="app.py", repo_id=MODEL, repo_type="space"
    )
    served = hub.content("spaces", MODEL, "main", "model.json")
    played = player.play("deploy-space.yml", "deploy", event_name="push")
    assert played.conclusion == "success", played
    assert hub.content("spaces", MODEL, "main", "app.py") != b"old"
    assert hub.content("spaces", MODEL, "main", "model.json") == served


def test_an_earlier_version_is_served_again(player: Player, hub: HubEmulator) -> None:
    tags = hub.tags("models", MODEL)
    main = hub.commits("models", MODEL)[0].id
    [earlier] = [tag for tag, commit in tags.items() if commit != main]
    played = player.play("deploy-space.yml", "deploy", inputs={"version": earlier})
    assert played.conclusion == "success", played
    assert earlier.encode() in hub.content("spaces", MODEL, "main", "model.json")


def test_a_version_that_is_not_there_is_told(player: Player, hub: HubEmulator) -> None:
    played = player.play("deploy-space.yml", "deploy", inputs={"version": "v-0"})
    assert played.conclusion == "failure"
    assert "has no tag v-0; its tags are: v-" in played.summary


@pytest.mark.parametrize("event_name", ["push", "workflow_dispatch"])
def test_who_publishes_nothing_is_told_so_and_stays_green(player: Player, event_name: str) -> None:
    assert player.play("deploy-space.yml", "left-out", event_name=event_name).conclusion == (
        "skipped"
    )
    player.variables.clear()
    played = player.play("deploy-space.yml", "deploy", event_name=event_name)
    assert played.conclusion == "skipped"
    played = player.play("deploy-space.yml", "left-out", event_name=event_name)
    assert played.conclusion == "success"
    assert "the variable HF_REPO_ID is not set" in played.summary
    assert "::notice::" in played.steps["Say so"].log


UNTRUSTED = "Say that the Hub does not trust this workflow"


def test_who_is_not_trusted_yet_is_told_so_and_stays_green(
    player: Player, hub: HubEmulator
) -> None:
    before = hub.content("spaces", MODEL, "main", "app.py")
    with GithubEmulator("fork/pets") as fork:
        player.environment |= fork.environment
        played = player.play("deploy-space.yml", "deploy", event_name="push")
    assert played.conclusion == "success"
    assert played.summary.startswith("## Nothing was deployed\n\nThe Hub does not trust")
    assert "::notice::The Hub does not trust" in played.steps[UNTRUSTED].log
    assert f"does not trust this workflow with {MODEL}" in played.steps["Deploy the app"].log
    assert hub.content("spaces", MODEL, "main", "app.py") == before


def test_who_goes_back_and_is_not_trusted_is_red(player: Player, hub: HubEmulator) -> None:
    """Somebody waits for it."""
    with GithubEmulator("fork/pets") as fork:
        player.environment |= fork.environment
        played = player.play("deploy-space.yml", "deploy", inputs={"version": "v-0"})
    assert played.conclusion == "failure"
    assert "## Broken: the Space" in played.summary
    assert "make the workflow a trusted publisher" in played.summary


def test_another_refusal_is_red(player: Player, hub: HubEmulator) -> None:
    hub.fault("answer", path="/oauth/token", status=400)
    played = player.play("deploy-space.yml", "deploy", event_name="push")
    assert played.conclusion == "failure"
    assert "## Broken: the Space" in played.summary
