"""The script that builds the image and pushes it, with a small image, to an emulated registry."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.emulators.gcs import GcsEmulator
from tests.emulators.registry import RegistryEmulator
from tests.github.machines import machine
from tests.github.repositories import commit

IMAGE = "segmentation/pipeline"
Build = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A repository whose image holds little."""
    for tool in ("buildah", "skopeo"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed (Debian's package of this name)")
    folder = tmp_path / "team"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "unet.py").write_text("layers = 4\n")
    (folder / "README.md").write_text("# Ours\n")
    (folder / "Dockerfile").write_text(
        'FROM scratch\nARG VARIANT\nCOPY . .\nLABEL variant="$VARIANT"\n'
    )
    (folder / ".dockerignore").write_text("*\n!models\n")
    commit(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def build(tmp_path: Path, team: Path, gcs: GcsEmulator, registry: RegistryEmulator) -> Build:
    """Calls the script as a step of the workflow, whose output is then in `tmp_path/output`."""
    environment = {
        **machine(tmp_path / "home"),
        **registry.environment,
        "GOOGLE_CLOUD_PROJECT": gcs.project,
        "GOOGLE_CLOUD_REGION": "us-central1",
        "ACCESS_TOKEN": gcs.accounts.token(gcs.account),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }

    def call(**settings: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "output").write_text("")
        return subprocess.run(
            [REPOSITORY / ".github" / "scripts" / "image"],
            cwd=team,
            env=environment | settings,
            capture_output=True,
            text=True,
        )

    return call


def pushes(registry: RegistryEmulator) -> int:
    return sum(one.method in ("PUT", "PATCH") for one in registry.requests)


def test_the_image_is_pushed_once_and_named_by_its_digest(
    build: Build, team: Path, registry: RegistryEmulator, tmp_path: Path
) -> None:
    place = registry.make_repository("segmentation")
    done = build()
    assert done.returncode == 0, done.stderr
    [first] = (tmp_path / "output").read_text().splitlines()
    name, digest = first.split("@")
    assert name == f"image={place}/pipeline" and digest.startswith("sha256:")
    assert registry.manifest(IMAGE, digest)["layers"]
    assert registry.config(IMAGE, digest)["config"]["Labels"]["variant"] == "cpu"

    (team / "README.md").write_text("# Still ours\n")  # is not in the image
    commit(team)
    before = pushes(registry)
    again = build()
    assert (again.returncode, pushes(registry)) == (0, before), again.stderr
    assert (tmp_path / "output").read_text().splitlines() == [first]

    (team / "models" / "unet.py").write_text("layers = 5\n")
    commit(team)
    assert build().returncode == 0
    assert first not in (tmp_path / "output").read_text()


def test_training_on_gpus_has_an_image_of_its_own(
    build: Build, registry: RegistryEmulator, tmp_path: Path
) -> None:
    registry.make_repository("segmentation")
    assert build(TRAINING_ACCELERATOR="NVIDIA_TESLA_T4").returncode == 0
    digest = (tmp_path / "output").read_text().strip().partition("@")[2]
    assert registry.config(IMAGE, digest)["config"]["Labels"]["variant"] == "gpu"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503, "times": 2, "method": "GET"},
        {"status": 429, "times": 1, "method": "POST"},
        {"status": 503, "times": 1, "method": "PATCH"},
        {"kind": "close_before", "times": 1, "method": "PUT"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_a_flaky_registry_is_asked_again(
    build: Build, registry: RegistryEmulator, tmp_path: Path, fault: dict
) -> None:
    registry.make_repository("segmentation")
    registry.fault(**fault)
    done = build()
    assert done.returncode == 0, done.stderr
    digest = (tmp_path / "output").read_text().strip().partition("@")[2]
    assert registry.manifest(IMAGE, digest)


def test_who_may_not_push_is_told_so_and_builds_nothing(
    build: Build, gcs: GcsEmulator, registry: RegistryEmulator, tmp_path: Path
) -> None:
    registry.make_repository("segmentation")
    stranger = gcs.accounts.add("stranger", permitted=False)
    done = build(ACCESS_TOKEN=gcs.accounts.token(stranger))
    assert done.returncode == 1 and "STEP" not in done.stderr + done.stdout
    assert "denied" in done.stderr.lower()
    assert (tmp_path / "output").read_text() == ""


def test_an_expired_token_is_told_so(build: Build, gcs: GcsEmulator, registry) -> None:
    registry.make_repository("segmentation")
    done = build(ACCESS_TOKEN=gcs.accounts.token(gcs.account, seconds=-1))
    assert done.returncode == 1 and "STEP" not in done.stderr + done.stdout
    assert gcs.accounts.token(gcs.account) not in done.stderr


def test_a_repository_that_is_not_there(build: Build, registry: RegistryEmulator) -> None:
    done = build()
    assert done.returncode == 1
    assert "segmentation/pipeline cannot be read; `terraform apply`" in done.stderr
    assert "STEP" not in done.stdout
