"""What `python -m components.hf_pusher` ends with where a workflow's identity is its token."""

import pytest

from components.hf_pusher.__main__ import main
from tests.components.hf_pusher.conftest import MODEL, Publish
from tests.emulators.github import GithubEmulator
from tests.emulators.hub import HubEmulator


@pytest.fixture
def deploy(
    hub: HubEmulator, github: GithubEmulator, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A published model and its Space, and the environment of a workflow that deploys the app."""
    publish()
    settings = {"HF_ENDPOINT": hub.endpoint, "HF_REPO_ID": MODEL, "HF_TOKEN_SECRET": "OIDC"}
    for name, value in {**settings, **github.environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("sys.argv", ["hf_pusher", "deploy"])


@pytest.mark.usefixtures("deploy")
@pytest.mark.parametrize(("trusted", "untold"), [("demo/cats", MODEL), (MODEL, f"spaces/{MODEL}")])
def test_a_workflow_that_is_not_trusted_yet(
    hub: HubEmulator,
    github: GithubEmulator,
    capsys: pytest.CaptureFixture[str],
    trusted: str,
    untold: str,
) -> None:
    hub.trust_publisher(github, ("models", trusted))
    assert main() == 3
    said = capsys.readouterr().err
    assert f"does not trust this workflow with {untold}, or there is no such" in said
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("deploy")
@pytest.mark.parametrize("status", [400, 401, 403, 503])
def test_another_failure_of_the_exchange(
    hub: HubEmulator, github: GithubEmulator, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    hub.trust_publisher(github, ("models", MODEL), ("spaces", MODEL))
    hub.fault("answer", path="/oauth/token", status=status)
    assert main() == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
