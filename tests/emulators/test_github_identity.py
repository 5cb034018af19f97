"""A workflow's identity, and what Google Cloud gives for it."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2
import pytest
from google.auth import exceptions
from google.cloud import aiplatform, storage

from components.google_cloud import CloudError, explained
from tests.emulators import id_tokens
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.github import GithubEmulator
from tests.emulators.googleapis import Account
from tests.emulators.submitting import with_client

POOL = "projects/123456789012/locations/global/workloadIdentityPools"
AUDIENCE = "https://iam.googleapis.com/"


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> str:
    """A provider that no other test has."""
    return f"{POOL}/{request.node.name}/providers/github"


@pytest.fixture
def account(gcs: GcsEmulator, github: GithubEmulator, provider: str) -> Account:
    """In whose name demo/pets may work."""
    account = gcs.accounts.add("trainer")
    gcs.accounts.trust(provider, github, repository="demo/pets", account=account)
    return account


@pytest.fixture
def credentials(
    tmp_path: Path, github: GithubEmulator, provider: str, account: Account
) -> Callable[..., Path]:
    """Writes what the action writes; of another run, provider or account where one is given."""

    def credentials(github=github, provider=provider, account=account) -> Path:
        return github.credentials(tmp_path, provider, account.email)

    return credentials


def refused(github: GithubEmulator, gcs: GcsEmulator, credentials: Path) -> str:
    with pytest.raises(exceptions.GoogleAuthError) as error:
        github.access_token(credentials, gcs.environment)
    return str(error.value)


def test_an_access_token(gcs, github, account, credentials):
    token = github.access_token(credentials(), gcs.environment)
    assert gcs.accounts.identify(token) is account


def store(bucket: str, job: dict[str, str]) -> str:
    """Stores an object as a step after the action does."""
    os.environ.pop("STORAGE_EMULATOR_HOST")  # which would let anybody in
    os.environ.update(job)
    with storage.Client() as client:
        client.bucket(bucket.removeprefix("gs://")).blob("a").upload_from_string("x")
        return client.project


def test_storage(gcs, github, account, credentials, bucket):
    child = ChildProcess(gcs.environment)
    job = {**github.environment, **github.exported(credentials(), gcs.project)}
    assert child(store, bucket, job) == gcs.project
    child.close()
    assert gcs.read(f"{bucket}/a") == b"x"
    [upload] = [
        one for one in gcs.requests if one.path.startswith(f"/upload/storage/v1/b/{bucket[5:]}/")
    ]
    assert upload.account == account.email


def test_the_file_is_the_owner_s_alone(credentials):
    assert credentials().stat().st_mode & 0o077 == 0


def test_claims(github):
    claims = id_tokens.read(github.id_token("https://example.com"), github.public_key)
    assert claims["exp"] - claims["iat"] in (300, 301)
    assert {name: claims[name] for name in claims if name not in ("iat", "exp")} == {
        "iss": "https://token.actions.githubusercontent.com",
        "aud": "https://example.com",
        "sub": "repo:demo/pets:ref:refs/heads/main",
        "repository": "demo/pets",
        "repository_owner": "demo",
        "ref": "refs/heads/main",
        "event_name": "workflow_dispatch",
        "job_workflow_ref": "demo/pets/.github/workflows/train.yml@refs/heads/main",
    }


def test_an_id_token_needs_the_job_s_request_token(github):
    address = github.environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    for headers in ({}, {"Authorization": "Bearer unknown"}):
        assert httpx2.get(address, headers=headers).status_code == 401
    headers = {"Authorization": f"Bearer {github.request_token}"}
    assert httpx2.get(address.replace("idtoken", "other"), headers=headers).status_code == 404
    token = httpx2.get(address, headers=headers).json()["value"]
    assert id_tokens.read(token, github.public_key)["aud"] == "https://github.com/demo"


def test_a_job_that_is_over(gcs, github, credentials):
    path = credentials()
    github.request_token = "of another job"
    assert "Unable to retrieve Identity Pool subject token" in refused(github, gcs, path)


def test_an_expired_id_token(gcs, github, credentials):
    github.token_seconds = -1
    said = refused(github, gcs, credentials())
    assert "Error code invalid_grant: ID Token issued at" in said
    assert "is stale to sign-in" in said


def test_another_audience(gcs, github, credentials):
    path = credentials()
    path.write_text(path.read_text().replace("audience=https", "audience=http"))
    assert "invalid_grant: The audience in ID Token [http://iam" in refused(github, gcs, path)


def test_another_issuer(gcs, github, account, provider):
    github.issuer = "https://github.example.com"
    other = f"{provider}-of-a-server"
    gcs.accounts.trust(other, github, repository="demo/pets", account=account)
    assert "invalid_grant: The issuer in ID Token" in exchange(gcs, other, github)


def exchange(gcs: GcsEmulator, provider: str, github: GithubEmulator, forged: str = "") -> str:
    """What the Security Token Service says of a run's identity token."""
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "audience": f"//iam.googleapis.com/{provider}",
        "subject_token": github.id_token(AUDIENCE + provider) + forged,
    }
    environment = gcs.environment
    answer = httpx2.post(
        "https://sts.googleapis.com/v1/token",
        data=form,
        proxy=environment["HTTPS_PROXY"],
        verify=ssl.create_default_context(cafile=environment["SSL_CERT_FILE"]),
    )
    fields = answer.json()
    return f"{fields['error']}: {fields['error_description']}"


def test_a_forged_token(gcs, github, account, provider):
    assert exchange(gcs, provider, github, "x").startswith("invalid_grant: The signature")


def test_a_branch_that_is_not_trusted(gcs, tmp_path, github, account, provider):
    main = f"{provider}-of-main"
    gcs.accounts.trust(main, github, repository="demo/pets", account=account, ref="refs/heads/main")
    assert github.access_token(github.credentials(tmp_path, main, account.email), gcs.environment)
    with GithubEmulator(ref="refs/heads/other") as branch:
        path = branch.credentials(tmp_path, main, account.email)
        assert "rejected by the attribute condition" in refused(branch, gcs, path)


def test_a_workflow_that_is_not_trusted(gcs, tmp_path, github, account, provider):
    train = f"{provider}-of-train"
    claims = {"job_workflow_ref": "demo/pets/.github/workflows/train.yml@refs/heads/main"}
    gcs.accounts.trust(train, github, repository="demo/pets", account=account, **claims)
    assert github.access_token(github.credentials(tmp_path, train, account.email), gcs.environment)
    for elsewhere in ({"workflow": "ci.yml"}, {"ref": "refs/heads/other"}):
        with GithubEmulator(**elsewhere) as other:
            path = other.credentials(tmp_path, train, account.email)
            assert "rejected by the attribute condition" in refused(other, gcs, path)


def count_jobs(settings: dict[str, Any], job: dict[str, str]) -> int:
    """How many jobs a step after the action sees on Vertex AI."""
    with patch.dict(os.environ, job), explained("Vertex AI", "roles/aiplatform.user"):
        return len(with_client(settings, aiplatform.PipelineJob.list))


@pytest.fixture
def step(gcs, github, child, either_settings) -> Callable[..., int]:
    """Runs a step after the action."""

    def step(path: Path, github: GithubEmulator = github) -> int:
        job = {**github.environment, **github.exported(path, gcs.project)}
        return child(count_jobs, either_settings, job)

    return step


@pytest.fixture
def sentence(step) -> Callable[..., str]:
    """The sentence with which such a step fails."""

    def sentence(*arguments: Any) -> str:
        with pytest.raises(CloudError) as error:
            step(*arguments)
        [said] = error.value.args
        assert said.startswith("Vertex AI does not accept the credentials (")
        return said

    return sentence


def test_vertex(account, credentials, step):
    assert step(credentials()) == 0
    account.permitted = False
    with pytest.raises(CloudError, match="trainer@demo-project.* it needs roles/aiplatform.user"):
        step(credentials())


def test_the_cause_is_an_expired_id_token(github, credentials, sentence):
    github.token_seconds = -1
    said = sentence(credentials())
    assert "the workflow's identity token has expired or is not for this provider" in said
    assert said.endswith("with the provider's full resource name.")


def test_the_cause_is_a_fork(credentials, sentence):
    with GithubEmulator("mallory/pets") as fork:
        said = sentence(credentials(github=fork), fork)
    assert "unauthorized_client" in said
    assert (
        "the workload identity provider does not trust this repository, branch or workflow" in said
    )
    assert said.endswith("change the provider's attribute condition.")


def test_the_cause_is_an_account_of_others(gcs, credentials, sentence):
    said = sentence(credentials(account=gcs.account))
    assert "the service account does not trust this repository" in said
    assert said.endswith("roles/iam.workloadIdentityUser on the account.")


def test_the_cause_is_an_unknown_provider(credentials, sentence):
    said = sentence(credentials(provider=f"{POOL}/absent/providers/github"))
    assert "there is no such workload identity provider" in said


def test_the_cause_is_a_job_that_is_over(github, credentials, sentence):
    path = credentials()
    github.request_token = "of another job"
    assert "GitHub gave the job no identity token" in sentence(path)
