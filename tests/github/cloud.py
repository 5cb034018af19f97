"""All that a workflow talks to, on this machine: GitHub, Google Cloud, the Hub."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.emulators.gcs import GcsEmulator
from tests.emulators.github import GithubEmulator
from tests.emulators.googleapis import ServerMissing
from tests.emulators.hub import HubEmulator
from tests.emulators.registry import RegistryEmulator
from tests.github.machines import authorities, machine
from tests.github.player import Player

if TYPE_CHECKING:
    from tests.emulators.vertex import VertexEmulator
    from tests.emulators.vertex.pipeline_jobs import RunPipeline

PROJECT = "demo-project"
BUCKET = f"gs://{PROJECT}-segmentation"
ACCOUNT = f"github@{PROJECT}.iam.gserviceaccount.com"
PROVIDER = "projects/123456789012/locations/global/workloadIdentityPools/github/providers/github"
TOKEN = f"projects/{PROJECT}/secrets/hf-token"
HUB_TOKEN = "_".join(("hf", "value", "of", "the", "team"))  # which stands in no file
# Logins that a machine of GitHub's does not have.
_NO_LOGINS = {"GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_AUTH_TOKEN_FOR_TESTING"}
_STORAGE = "STORAGE_EMULATOR_HOST"  # with it, the client of Cloud Storage logs in nowhere


@dataclass
class Cloud:
    """What a team has set up, as infra/ does it."""

    folder: Path
    gcs: GcsEmulator
    github: GithubEmulator
    registry: RegistryEmulator
    hub: HubEmulator
    vertex: "VertexEmulator"
    images: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """The variables that the team has set in its repository."""
        return {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_CLOUD_REGION": "us-central1",
            "WORKLOAD_IDENTITY_PROVIDER": PROVIDER,
            "HF_REPO_ID": "demo/pets",
            "HF_LICENSE": "cc0-1.0",
            "HF_TOKEN_SECRET": TOKEN,
            "HF_ENDPOINT": self.hub.endpoint,
        }

    def player(self, repository: Path, **variables: str) -> Player:
        """GitHub, which plays the workflows of a repository.

        Args:
            repository: is checked out.
            **variables: that the team has set beside the others.
        """
        environment = {
            **machine(self.folder / "home"),
            **self.registry.environment,
            **self.github.environment,
            **self._authorities(),
            **self.images,
            "HF_HUB_DISABLE_XET": "1",  # the emulated Hub stores large files by LFS
        }
        for name in (*_NO_LOGINS, _STORAGE):
            environment.pop(name, None)
        return Player(
            self.folder / "runs",
            repository,
            environment,
            self.variables | variables,
            {"google-github-actions/auth": self._log_in},
        )

    def _authorities(self) -> dict[str, str]:
        """Trust in the emulators, and in those from whom packages are installed."""
        own = self.gcs.authority.environment
        bundle = self.folder / "authorities.pem"
        bundle.write_text(self.gcs.authority.roots.read_text() + authorities().read_text())
        return dict.fromkeys([*own, "PIP_CERT"], str(bundle))

    def _log_in(self, given: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
        """What google-github-actions/auth does."""
        path = self.github.credentials(
            Path(environment["GITHUB_WORKSPACE"]),
            given["workload_identity_provider"],
            given["service_account"],
        )
        token = self.github.access_token(path, self.gcs.environment)
        environment |= self.github.exported(path, PROJECT)
        return {"access_token": token}


def _registry(folder: Path, gcs: GcsEmulator) -> RegistryEmulator:
    if not shutil.which("skopeo"):
        pytest.skip("skopeo is not installed (Debian's package of this name)")
    try:
        return RegistryEmulator(folder, gcs)
    except ServerMissing as missing:
        pytest.skip(str(missing))


@contextlib.contextmanager
def cloud(
    folder: Path,
    make_runner: Callable[[Mapping[str, str]], "RunPipeline"],
    images: Mapping[str, str] | None = None,
) -> Iterator[Cloud]:
    """Starts everything.

    Args:
        folder: where the states are.
        make_runner: makes what Vertex AI runs its jobs by, from the environment of the steps.
        images: the environment in which buildah has its images; the registry's where absent.
    """
    from tests.emulators.vertex import VertexEmulator  # brings in the messages of all of Vertex AI

    with contextlib.ExitStack() as started:
        gcs = started.enter_context(GcsEmulator(folder / "gcs", PROJECT))
        gcs.make_bucket(BUCKET.removeprefix("gs://"))
        gcs.proxy.let_through()
        gcs.secrets.add(TOKEN, HUB_TOKEN)
        github = started.enter_context(GithubEmulator())
        account = gcs.accounts.add("github")
        gcs.accounts.trust(
            PROVIDER,
            github,
            repository="demo/pets",
            account=account,
            ref="refs/heads/main",
            job_workflow_ref="demo/pets/.github/workflows/train.yml@refs/heads/main",
        )
        registry = started.enter_context(_registry(folder / "registry", gcs))
        registry.make_repository("segmentation")
        hub = started.enter_context(HubEmulator(folder / "hub", users={"demo": HUB_TOKEN}))
        steps = {**os.environ, **gcs.environment}
        vertex = started.enter_context(
            VertexEmulator(folder / "vertex", gcs, make_runner(steps), job_environment=steps)
        )
        yield Cloud(folder, gcs, github, registry, hub, vertex, images or {})
