"""The registry's emulator, as buildah uses it."""

import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.emulators.gcs import GcsEmulator
from tests.emulators.googleapis import ServerMissing
from tests.emulators.registry import RegistryEmulator

IMAGE = "images/pipeline"
Buildah = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(registry: RegistryEmulator) -> str:
    """Where images may be pushed to."""
    return registry.make_repository("images")


@pytest.fixture
def buildah(registry: RegistryEmulator) -> Buildah:
    """Runs buildah as a step of a workflow."""
    if shutil.which("buildah") is None:
        pytest.skip("buildah is not installed (Debian's package of this name)")

    def buildah(*words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["buildah", *words],
            env={**os.environ, **registry.environment},
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return buildah


@pytest.fixture
def built(buildah: Buildah, tmp_path: Path) -> str:
    """An image with one file that does not compress."""
    (tmp_path / "weights.bin").write_bytes(os.urandom(3_000_000))
    begun = buildah("from", "scratch")
    assert begun.returncode == 0, begun.stderr
    container = begun.stdout.strip()
    for words in (
        ("copy", container, str(tmp_path / "weights.bin"), "/weights.bin"),
        ("config", "--label", "revision=abc", container),
        ("commit", container, "pipeline"),
    ):
        done = buildah(*words)
        assert done.returncode == 0, done.stderr
    return "pipeline"


@pytest.fixture
def push(buildah: Buildah, built: str, gcs: GcsEmulator) -> Buildah:
    """Pushes that image with an access token, of the pipeline's account unless one is given."""

    def push(address: str, *words: str, token: str | None = None):
        token = token or gcs.accounts.token(gcs.account)
        return buildah("push", f"--creds=oauth2accesstoken:{token}", *words, built, address)

    return push


def test_push_and_pull(gcs, registry, place, buildah, push, tmp_path):
    done = push(f"{place}/pipeline:v1", "--digestfile", str(tmp_path / "digest"))
    assert done.returncode == 0, done.stderr
    digest = (tmp_path / "digest").read_text()
    assert registry.digest(IMAGE, "v1") == digest
    assert registry.config(IMAGE, "v1")["config"]["Labels"]["revision"] == "abc"
    [layer] = registry.manifest(IMAGE, digest)["layers"]
    assert layer["size"] > 3_000_000
    assert max(one.received_bytes for one in registry.requests) == layer["size"]
    assert buildah("rmi", "--all", "--force").returncode == 0
    token = gcs.accounts.token(gcs.account)
    address = f"{place}/pipeline@{digest}"
    pulled = buildah("pull", f"--creds=oauth2accesstoken:{token}", address)
    assert pulled.returncode == 0, pulled.stderr
    inspected = json.loads(buildah("inspect", "--type", "image", address).stdout)
    assert inspected["FromImageDigest"] == digest
    container = buildah("from", address).stdout.strip()
    mounted = Path(buildah("mount", container).stdout.strip())
    assert (mounted / "weights.bin").read_bytes() == (tmp_path / "weights.bin").read_bytes()


def test_log_in_as_a_workflow_does(gcs, github, registry, place, buildah, built, tmp_path):
    provider = (
        "projects/123456789012/locations/global/workloadIdentityPools/images/providers/github"
    )
    gcs.accounts.trust(provider, github, repository="demo/pets", account=gcs.account)
    credentials = github.credentials(tmp_path, provider, gcs.account.email)
    token = github.access_token(credentials, gcs.environment)
    words = ("login", "--username=oauth2accesstoken", "--password-stdin", registry.host)
    assert buildah(*words, given=token).stdout.strip() == "Login Succeeded!"
    done = buildah("push", built, f"{place}/pipeline:v1")
    assert done.returncode == 0, done.stderr
    assert registry.digest(IMAGE, "v1").startswith("sha256:")
    with pytest.raises(LookupError, match="There is no v2 of images/pipeline"):
        registry.digest(IMAGE, "v2")


def test_log_in_with_an_expired_token(gcs, registry, place, buildah):
    token = gcs.accounts.token(gcs.account, -1)
    words = ("login", "--username=oauth2accesstoken", "--password-stdin", registry.host)
    done = buildah(*words, given=token)
    assert done.returncode != 0
    assert "invalid username/password" in done.stderr


def test_a_wrong_token(registry, place, push):
    done = push(f"{place}/pipeline:v1", token="ya29.unknown")
    assert done.returncode != 0
    assert "invalid username/password" in done.stderr
    assert {one.path for one in registry.requests} == {"/v2/", "/v2/token"}


def test_an_account_that_may_not_push(gcs, place, push):
    stranger = gcs.accounts.add("stranger", permitted=False)
    done = push(f"{place}/pipeline:v1", token=gcs.accounts.token(stranger))
    assert done.returncode != 0
    assert "403 (Forbidden)" in done.stderr


def test_an_unknown_repository(registry, place, push):
    done = push(f"{place.replace('images', 'other')}/pipeline:v1")
    assert done.returncode != 0
    assert 'name unknown: Repository "other" not found' in done.stderr
    with pytest.raises(LookupError):
        registry.digest("other/pipeline", "v1")


def test_an_unknown_region(place, push):
    done = push(f"{place.replace('us-central1', 'europe-west1')}/pipeline:v1")
    assert done.returncode != 0
    assert 'name unknown: Repository "images" not found' in done.stderr


@pytest.mark.parametrize(
    ("kind", "status", "method", "path"),
    [
        ("answer", 429, "POST", "*/blobs/uploads/"),
        ("close_after", 201, "PUT", "*/manifests/*"),
    ],
)
def test_buildah_tries_again(registry, place, push, kind, status, method, path):
    registry.fault(kind, status=status, method=method, path=path)
    done = push(f"{place}/pipeline:v1", "--retry=2", "--retry-delay=10ms")
    assert done.returncode == 0, done.stderr
    assert registry.digest(IMAGE, "v1").startswith("sha256:")
    struck = [one for one in registry.requests if one.method == method]
    assert len(struck) > len({one.path for one in struck})


@pytest.mark.parametrize(
    ("kind", "method", "path"),
    [
        ("answer", "PATCH", "*/blobs/uploads/*"),
        ("answer", "PUT", "*/manifests/*"),
        ("close_before", "PATCH", "*/blobs/uploads/*"),
    ],
)
def test_a_push_after_one_that_failed(registry, place, push, kind, method, path):
    # Not all versions of buildah try these again by themselves.
    fault = registry.fault(kind, times=100, method=method, path=path)
    assert push(f"{place}/pipeline:v1", "--retry=1", "--retry-delay=10ms").returncode != 0
    with pytest.raises(LookupError):
        registry.digest(IMAGE, "v1")
    fault.times = 0
    done = push(f"{place}/pipeline:v1")
    assert done.returncode == 0, done.stderr
    assert registry.digest(IMAGE, "v1").startswith("sha256:")


def test_an_empty_image(gcs, registry, place, buildah):
    digest = registry.push_empty(IMAGE, "empty")
    assert registry.digest(IMAGE, "empty") == digest
    assert registry.manifest(IMAGE, "empty") == registry.manifest(IMAGE, digest)
    assert registry.config(IMAGE, digest)["os"] == "linux"
    token = gcs.accounts.token(gcs.account)
    address = f"{place}/pipeline@{digest}"
    done = buildah("from", f"--creds=oauth2accesstoken:{token}", address)
    assert done.returncode == 0, done.stderr
    mounted = Path(buildah("mount", done.stdout.strip()).stdout.strip())
    assert list(mounted.iterdir()) == []


def call(registry: RegistryEmulator, path: str, **keywords) -> httpx2.Response:
    """A request as other clients make it."""
    environment = registry.environment
    context = ssl.create_default_context(cafile=environment["SSL_CERT_FILE"])
    with httpx2.Client(proxy=environment["HTTPS_PROXY"], verify=context) as client:
        return client.get(f"https://{registry.host}{path}", **keywords)


def test_what_an_anonymous_client_is_told(registry, place):
    registry.push_empty(IMAGE, "v1")
    answer = call(registry, "/v2/")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="https://us-central1-docker.pkg.dev/v2/token",'
        'service="us-central1-docker.pkg.dev"'
    )
    token = call(registry, "/v2/token").json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    answer = call(registry, "/v2/demo-project/images/pipeline/manifests/v1", headers=headers)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (403, "DENIED")
    assert error["message"] == (
        "Unauthenticated request. Unauthenticated requests do not have permission "
        '"artifactregistry.repositories.downloadArtifacts" on resource '
        '"projects/demo-project/locations/us-central1/repositories/images" (or it may not exist)'
    )


def test_basic_authentication(gcs, registry, place):
    registry.push_empty(IMAGE, "v1")
    token = gcs.accounts.token(gcs.account)
    path = "/v2/demo-project/images/pipeline/tags/list"
    assert call(registry, path, auth=("oauth2accesstoken", token)).json()["tags"] == ["v1"]
    assert call(registry, path, auth=("demo", token)).status_code == 401
    short = call(registry, "/v2/demo-project/images/tags/list", auth=("oauth2accesstoken", token))
    assert short.json()["errors"][0]["code"] == "NAME_INVALID"


def test_a_missing_server_is_said(gcs, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerMissing, match="docker-registry is not installed"):
        RegistryEmulator(tmp_path / "registry", gcs)
