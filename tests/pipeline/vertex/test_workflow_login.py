"""The checks with a workflow's login, which has no key."""

import subprocess
from pathlib import Path

from tests.conftest import REPOSITORY, Workplace
from tests.emulators.gcs import GcsEmulator
from tests.emulators.github import GithubEmulator
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.conftest import IMAGE
from tests.warm.commands import python

PROVIDER = "projects/123456789012/locations/global/workloadIdentityPools/login/providers/github"
# Other logins, which a machine of GitHub's does not have.
OTHERS = {"GOOGLE_AUTH_TOKEN_FOR_TESTING", "STORAGE_EMULATOR_HOST"}


def test_all_of_the_bucket_is_read_in_the_name_of_the_workflow(
    workplace: Workplace,
    vertex: VertexEmulator,
    gcs: GcsEmulator,
    github: GithubEmulator,
    bucket: str,
    few_pets: Path,
    tmp_path: Path,
) -> None:
    gcs.upload_tree(few_pets, f"{bucket}/data")
    account = gcs.accounts.add("workflow")
    gcs.accounts.trust(PROVIDER, github, repository=github.repository, account=account)
    login = github.credentials(tmp_path, PROVIDER, account.email)
    settings = {
        "PIPELINE_ROOT": f"{bucket}/pipeline",
        "DATA_ROOT": f"{bucket}/data",
        "SERVING_DIR": f"{bucket}/serving",
        "PIPELINE_IMAGE": IMAGE,
    }
    environment = workplace.environment(
        **settings, **vertex.environment | github.exported(login, gcs.project)
    )
    before = len(gcs.requests)
    done = subprocess.run(
        [python(), "-m", "pipeline", "check", "--engine=vertex"],
        cwd=REPOSITORY,
        env={name: value for name, value in environment.items() if name not in OTHERS},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert {request.account for request in gcs.requests[before:]} == {account.email}
