"""The emulator as tests use it."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
from google.auth import identity_pool
from google.auth.transport.requests import Request

from .. import id_tokens
from ..googleapis import Handler, HttpServer

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class _Handler(Handler):
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if self.headers["Authorization"] != f"Bearer {self.owner.request_token}":
            self.answer(401, b'{"message": "The request token is not that of a running job."}')
        elif address.path != "/idtoken":
            self.answer(404, b'{"message": "Not Found"}')
        else:
            audience = parse_qs(address.query).get("audience", [self.owner.owner_url])[0]
            self.answer(200, json.dumps({"value": self.owner.id_token(audience)}).encode())


class GithubEmulator:
    """One run of a workflow, whose job has the permission `id-token: write`.

    Args:
        repository: Whose workflow it is, as OWNER/NAME.
        ref: What it runs on.
        event_name: What started it.
        workflow: The file of the workflow.

    Attributes:
        token_seconds: How long identity tokens are valid; below zero they have expired.
    """

    issuer = id_tokens.ISSUER

    def __init__(
        self,
        repository: str = "demo/pets",
        ref: str = "refs/heads/main",
        event_name: str = "workflow_dispatch",
        workflow: str = "train.yml",
    ) -> None:
        self.repository = repository
        self.ref = ref
        self.event_name = event_name
        self.workflow = workflow
        self.owner_url = f"https://github.com/{repository.partition('/')[0]}"
        self.public_key = id_tokens.public_key()
        self.request_token = secrets.token_urlsafe(24)
        self.token_seconds: float = id_tokens.LIFETIME_SECONDS
        self._server = HttpServer(_Handler, self)

    def __enter__(self) -> "GithubEmulator":
        self._server.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.close()

    @property
    def environment(self) -> dict[str, str]:
        """What a job has in its environment."""
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_OWNER": self.repository.partition("/")[0],
            "GITHUB_REF": self.ref,
            "GITHUB_EVENT_NAME": self.event_name,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self._server.url}/idtoken?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.request_token,
        }

    def id_token(self, audience: str) -> str:
        """The run's identity token for an audience."""
        claims = {
            "aud": audience,
            "sub": f"repo:{self.repository}:ref:{self.ref}",
            "repository": self.repository,
            "repository_owner": self.repository.partition("/")[0],
            "ref": self.ref,
            "event_name": self.event_name,
            "job_workflow_ref": f"{self.repository}/.github/workflows/{self.workflow}@{self.ref}",
        }
        return id_tokens.sign(claims, self.token_seconds)

    def credentials(self, folder: Path, provider: str, service_account: str) -> Path:
        """Writes the credentials that the action google-github-actions/auth writes.

        Args:
            folder: Where, in a file of a new name.
            provider: The resource name of the workload identity provider.
            service_account: The email of the account in whose name the job works.
        """
        url = self.environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
        fields = {
            "type": "external_account",
            "audience": f"//iam.googleapis.com/{provider}",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {
                "url": f"{url}&audience=https%3A%2F%2Fiam.googleapis.com%2F{provider}",
                "headers": {"Authorization": f"Bearer {self.request_token}"},
                "format": {"type": "json", "subject_token_field_name": "value"},
            },
            "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/"
            f"projects/-/serviceAccounts/{service_account}:generateAccessToken",
        }
        path = folder / f"gha-creds-{secrets.token_hex(8)}.json"
        path.touch(0o600)
        path.write_text(json.dumps(fields))
        return path

    def exported(self, credentials: Path, project: str) -> dict[str, str]:
        """What that action exports to the steps after it."""
        files = (
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_GHA_CREDS_PATH",
        )
        projects = (
            "CLOUDSDK_CORE_PROJECT",
            "CLOUDSDK_PROJECT",
            "GCLOUD_PROJECT",
            "GCP_PROJECT",
            "GOOGLE_CLOUD_PROJECT",
        )
        return dict.fromkeys(files, str(credentials)) | dict.fromkeys(projects, project)

    def access_token(self, credentials: Path, environment: Mapping[str, str]) -> str:
        """What that action gives out with `token_format: access_token`.

        Args:
            credentials: The file that `credentials` wrote.
            environment: Of the emulator that is the job's Google Cloud.
        """
        login = identity_pool.Credentials.from_file(str(credentials), scopes=[SCOPE])
        with requests.Session() as session:
            session.trust_env = False
            session.verify = environment["REQUESTS_CA_BUNDLE"]
            session.proxies = {"https": environment["HTTPS_PROXY"]}
            login.refresh(Request(session))
        return login.token
