"""Who may do what on the Hub's emulator: tokens, private repositories, secrets, publishers."""

import os
import subprocess
import sys

import httpx2
import pytest
from huggingface_hub import HfApi, _oidc
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.emulators.github import GithubEmulator
from tests.emulators.hub import digest
from tests.emulators.publishing import MODEL, TOKEN, WEIGHTS, publish, status_of

SECRET = "s3cr3t-value-of-the-space"


@pytest.fixture
def space(api) -> str:
    api.create_repo(
        "demo/app",
        repo_type="space",
        space_sdk="gradio",
        space_secrets=[{"key": "FIRST", "value": SECRET}],
        space_variables=[{"key": "MODEL", "value": "demo/pets"}],
    )
    return "demo/app"


def test_private_repository(hub, api, client, tmp_path):
    api.create_repo("demo/pets", private=True)
    publish(api, {**MODEL, "model.tflite": WEIGHTS})
    hub.add_token("hf_read", user="demo", role="read")
    hub.add_token("hf_other", user="ann")
    for token in (False, "hf_other"):
        with pytest.raises(RepositoryNotFoundError):
            client(token).model_info("demo/pets")
        with pytest.raises(RepositoryNotFoundError):
            client(token).hf_hub_download("demo/pets", "config.json", cache_dir=tmp_path / "no")
        assert httpx2.get(f"{hub.endpoint}/demo/pets").status_code == 404
    client("hf_read").snapshot_download("demo/pets", local_dir=tmp_path / "pets")
    assert (tmp_path / "pets/model.tflite").read_bytes() == WEIGHTS


def test_who_may_write(hub, api, client):
    publish(api, MODEL)
    hub.add_token("hf_read", user="demo", role="read")
    hub.add_token("hf_other", user="ann")
    for token in ("hf_read", "hf_other"):
        for refused in (
            lambda api: api.upload_file(path_or_fileobj=b"", path_in_repo="a", repo_id="demo/pets"),
            lambda api: api.delete_repo("demo/pets"),
            lambda api: api.create_tag("demo/pets", tag="v1"),
            lambda api: api.create_repo("demo/new"),
            lambda api: api.update_repo_settings("demo/pets", private=True),
        ):
            with pytest.raises(HfHubHTTPError) as error:
                refused(client(token))
            assert status_of(error) == 403
    with pytest.raises(RepositoryNotFoundError) as error:  # as over https
        client(False).create_tag("demo/pets", tag="v1")
    assert status_of(error) == 401
    for refused in (
        lambda: client(False).create_repo("demo/new"),
        lambda: client("hf_unknown").create_tag("demo/pets", tag="v1"),
        lambda: client("hf_unknown").model_info("demo/pets"),
        lambda: client("hf_unknown").whoami(),
    ):
        with pytest.raises(HfHubHTTPError) as error:
            refused()
        assert status_of(error) == 401


def test_organization(hub, client):
    hub.add_token("hf_acme", user="ann", orgs=("acme",))
    publish(client("hf_acme"), MODEL, repo_id="acme/pets")
    assert hub.commits("models", "acme/pets")[0].author == "ann"
    with pytest.raises(HfHubHTTPError) as error:
        client("hf_acme").create_repo("other/pets")
    assert status_of(error) == 403


# Spaces


def test_secrets_are_never_readable(hub, api, client, space):
    api.add_space_secret(space, "SECOND", SECRET[::-1], description="The other")
    api.add_space_secret(space, "THIRD", "gone")
    api.delete_space_secret(space, "THIRD")
    listed = api.get_space_secrets(space)
    assert set(listed) == {"FIRST", "SECOND"} and listed["SECOND"].description == "The other"
    assert hub.secrets(space) == {"FIRST": digest(SECRET), "SECOND": digest(SECRET[::-1])}
    answer = httpx2.get(
        f"{hub.endpoint}/api/spaces/{space}/secrets", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert SECRET not in answer.text and digest(SECRET) not in answer.text
    with pytest.raises(HfHubHTTPError):
        api.add_space_secret(space, "not a name", "x")
    with pytest.raises(HfHubHTTPError):
        api.delete_space_secret(space, "ABSENT")
    with pytest.raises(RepositoryNotFoundError):
        client(False).get_space_secrets(space)


def test_no_secret_value_and_no_token_is_on_disk(hub, github, trusted, api, space):
    publish(api, {**MODEL, "model.tflite": WEIGHTS})
    token = _oidc.oidc_login(
        resource="demo/pets", subject_token=github.id_token(hub.endpoint), endpoint=hub.endpoint
    )
    written = b"".join(path.read_bytes() for path in hub.store.files.folder.rglob("*.json"))
    assert digest(SECRET).encode() in written
    for value in (SECRET, TOKEN, token["access_token"]):
        assert value.encode() not in written


def test_variables(hub, api, space):
    api.add_space_variable(space, "THRESHOLD", "0.5")
    assert hub.variables(space) == {"MODEL": "demo/pets", "THRESHOLD": "0.5"}
    assert api.delete_space_variable(space, "THRESHOLD")["MODEL"].value == "demo/pets"
    assert set(api.get_space_variables(space)) == {"MODEL"}


def test_runtime(hub, api, space):
    assert api.get_space_runtime(space).stage == "NO_APP_FILE"
    api.upload_file(path_or_fileobj=b"", path_in_repo="app.py", repo_id=space, repo_type="space")
    assert api.get_space_runtime(space).stage == "RUNNING"
    assert api.pause_space(space).stage == "PAUSED"
    assert api.restart_space(space).stage == "RUNNING"
    runtime = api.request_space_hardware(space, "t4-small", sleep_time=3600)
    assert (runtime.hardware, runtime.sleep_time) == ("t4-small", 3600)
    assert api.set_space_sleep_time(space, 60).sleep_time == 60
    api.upload_file(
        path_or_fileobj=b"---\nsdk: static\n---\n",
        path_in_repo="README.md",
        repo_id=space,
        repo_type="space",
    )
    assert api.space_info(space).sdk == "static"
    assert api.get_space_runtime(space).stage == "NO_APP_FILE"
    hub.set_stage(space, "BUILD_ERROR")
    assert api.space_info(space).runtime.stage == "BUILD_ERROR"


# Trusted publishers


@pytest.fixture
def trusted(hub, github) -> dict[str, str]:
    """The environment of a job that is trusted with demo/pets."""
    return hub.trust_publisher(github, ("models", "demo/pets"))


def test_trusted_publisher(hub, trusted, api, client, monkeypatch):
    publish(api, MODEL)
    api.create_repo("demo/cats")
    for name, value in trusted.items():
        monkeypatch.setenv(name, value)
    token = _oidc.oidc_login(resource=trusted["HF_OIDC_RESOURCE"], endpoint=hub.endpoint)
    assert token["expires_in"] == 3600
    publisher = client(token["access_token"])
    publisher.upload_file(
        path_or_fileobj=b"by the job", path_in_repo="config.json", repo_id="demo/pets"
    )
    assert hub.tree("models", "demo/pets")["config.json"] == b"by the job"
    with pytest.raises(HfHubHTTPError) as error:
        publisher.create_tag("demo/cats", tag="v1")
    assert status_of(error) == 403
    with pytest.raises(HfHubHTTPError) as error:
        publisher.create_repo("demo/new")
    assert status_of(error) == 401


def test_job_without_a_token_of_its_own(hub, trusted, api):
    publish(api, MODEL)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("HF_TOKEN", "HF_HOME")
    }
    environment |= {"HF_ENDPOINT": hub.endpoint, **trusted}
    program = "from huggingface_hub import create_tag; create_tag('demo/pets', tag='v1')"
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert set(hub.tags("models", "demo/pets")) == {"v1"}
    assert [request.path for request in hub.requests[-2:]] == [
        "/oauth/token",
        "/api/models/demo/pets/tag/main",
    ]


@pytest.mark.parametrize(
    ("resource", "audience", "forged", "words"),
    [
        ("demo/cats", None, "", "No trusted publisher"),
        ("spaces/demo/pets", None, "", "No trusted publisher"),
        ("demo/pets", "https://elsewhere", "", "another audience"),
        ("demo/pets", None, "x", "signature"),
    ],
)
def test_exchange_refuses(hub, github, trusted, resource, audience, forged, words):
    token = github.id_token(audience or hub.endpoint) + forged
    with pytest.raises(HfHubHTTPError, match=words):
        _oidc.exchange_oidc_token(subject_token=token, resource=resource, endpoint=hub.endpoint)


def test_a_fork_is_no_trusted_publisher(hub, trusted):
    with GithubEmulator("mallory/pets") as fork:
        token = fork.id_token(hub.endpoint)
    with pytest.raises(HfHubHTTPError, match="No trusted publisher"):
        _oidc.exchange_oidc_token(subject_token=token, resource="demo/pets", endpoint=hub.endpoint)


def test_an_id_token_expires(hub, github, trusted):
    github.token_seconds = -1
    token = github.id_token(hub.endpoint)
    with pytest.raises(HfHubHTTPError, match="is stale to sign-in"):
        _oidc.exchange_oidc_token(subject_token=token, resource="demo/pets", endpoint=hub.endpoint)


def test_exchanged_token_expires(hub, github, trusted, api):
    api.create_repo("demo/pets")
    hub.accounts.publisher_token_seconds = 0
    token = _oidc.oidc_login(
        resource="demo/pets", subject_token=github.id_token(hub.endpoint), endpoint=hub.endpoint
    )
    with pytest.raises(HfHubHTTPError) as error:
        HfApi(hub.endpoint, token["access_token"]).create_tag("demo/pets", tag="v1")
    assert status_of(error) == 401
