"""release.yml, with the real `gh` and an emulated GitHub."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.emulators.gcs import GcsEmulator
from tests.emulators.github.releases import Releases
from tests.github.machines import machine
from tests.github.player import Played, Player
from tests.github.repositories import commit

TOKEN = "ghs_of_the_run"


@pytest.fixture
def releases(gcs: GcsEmulator) -> Iterator[Releases]:
    if not shutil.which("gh"):
        pytest.skip("gh is not installed (Debian's package of this name)")
    with Releases("demo/pets", ["v0.1.0"], TOKEN, gcs.authority, gcs.proxy) as releases:
        yield releases


@pytest.fixture
def team(team: Path) -> Path:
    """A repository whose changes have the version that it has."""
    changelog = team / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("## Unreleased", "## 0.1.0"))
    commit(team)
    return team


def play(
    tmp_path: Path, team: Path, gcs: GcsEmulator, tag: str, visibility: str = "public"
) -> tuple[Played, set[str]]:
    """Plays the workflow of a tag; returns also the names of the files that were attested."""
    attested = set()

    def attest(given: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
        found = Path(environment["GITHUB_WORKSPACE"]).glob(given["subject-path"])
        attested.update(path.name for path in found)
        return {}

    environment = machine(tmp_path / "home") | gcs.authority.environment | gcs.proxy.environment
    environment |= {
        "GITHUB_TOKEN": TOKEN,
        "GH_REPO": "demo/pets",
        "PATH": f"{environment['PATH']}:{REPOSITORY}/.tools/bin",  # uv is not installed again
    }
    actions = {"actions/attest-build-provenance": attest}
    player = Player(tmp_path / "runs", team, environment, actions=actions)
    ref = f"refs/tags/{tag}"
    event = {"repository": {"visibility": visibility}}
    played = player.play("release.yml", "release", event_name="push", event=event, ref=ref)
    return played, attested


def test_a_tag_becomes_a_release_with_provenance(
    tmp_path: Path, team: Path, gcs: GcsEmulator, releases: Releases
) -> None:
    played, attested = play(tmp_path, team, gcs, "v0.1.0")
    assert played.conclusion == "success", (played, releases.asked)
    [release] = releases.made.values()
    assert (release.tag, release.draft) == ("v0.1.0", False)
    archive = "vision-pipeline-0.1.0.tar.gz"
    assert attested == release.files.keys() == {archive, "SHA256SUMS", "sbom.json"}
    listed = json.loads(release.files["sbom.json"])["components"]
    assert {"tfx", "tensorflow", "gradio"} <= {component["name"] for component in listed}


def test_a_private_repository_releases_without_provenance_and_says_so(
    tmp_path: Path, team: Path, gcs: GcsEmulator, releases: Releases
) -> None:
    played, attested = play(tmp_path, team, gcs, "v0.1.0", visibility="private")
    assert played.conclusion == "success", (played, releases.asked)
    [release] = releases.made.values()
    assert "SHA256SUMS" in release.files
    assert attested == set()
    assert "The files are not signed" in played.summary


def test_a_tag_of_another_version_is_no_release(
    tmp_path: Path, team: Path, gcs: GcsEmulator, releases: Releases
) -> None:
    played, attested = play(tmp_path, team, gcs, "v9.0.0")
    assert (played.conclusion, attested, releases.made) == ("failure", set(), {})
    assert "The tag is v9.0.0, but pyproject.toml has version 0.1.0" in played.summary
