"""The scripts that the workflows call, each alone."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.github.commands import Commands
from tests.github.expressions import evaluate

SCRIPTS = REPOSITORY / ".github" / "scripts"


class Called:
    """A script that has run.

    Args:
        folder: where the runner's files are.
        command: the script and its arguments.
        environment: beside the machine's.
    """

    def __init__(self, folder: Path, *command: str, **environment: str) -> None:
        self._summary = folder / "summary"
        self._summary.touch()
        given = {**os.environ, "GITHUB_STEP_SUMMARY": str(self._summary), **environment}
        done = subprocess.run(
            [SCRIPTS / command[0], *command[1:]], env=given, capture_output=True, text=True
        )
        self.code = done.returncode
        self.output = done.stdout
        self.errors = done.stderr

    @property
    def summary(self) -> str:
        return self._summary.read_text()


IDENTITY = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/"}


def test_what_is_set_is_not_missed(tmp_path: Path) -> None:
    done = Called(tmp_path, "require", "ONE", "TWO", ONE="1", TWO="$(2)", **IDENTITY)
    assert (done.code, done.output, done.summary) == (0, "", "")


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    done = Called(tmp_path, "require", "ONE", "TWO", "THREE", TWO="2", THREE="", **IDENTITY)
    assert done.code == 1
    [error] = _errors(done)
    assert error.startswith("Not set: ONE THREE. Set them under Settings")
    assert "Not set: ONE THREE." in done.summary


def test_a_run_without_an_identity_is_told_so(tmp_path: Path) -> None:
    done = Called(tmp_path, "require", "ONE", ONE="1", ACTIONS_ID_TOKEN_REQUEST_URL="")
    assert done.code == 1
    assert "runs from forks have none" in _errors(done)[0] and "forks" in done.summary


def _errors(done: Called) -> list[str]:
    commands = Commands()
    commands.read(done.output)
    return commands.errors


def test_what_goes_well_is_not_in_the_summary(tmp_path: Path) -> None:
    done = Called(tmp_path, "reported", "it", "echo", "fine")
    assert (done.code, done.summary) == (0, "") and "fine\n" in done.output


def test_the_end_of_what_failed_is_in_the_summary_as_it_is(tmp_path: Path) -> None:
    script = (
        "seq 100; echo '</pre><img src=x>```'; printf 'a\\rb\\n'; echo \"$(seq -s, 999)\"; exit 7"
    )
    done = Called(tmp_path, "reported", "the thing", "bash", "-c", script)
    heading, gap, *lines = done.summary.splitlines()
    assert (done.code, heading, gap) == (7, "## Broken: the thing", "")
    assert all(line.startswith("    ") and len(line) <= 504 for line in lines)
    assert "    </pre><img src=x>```" in lines and len(lines) <= 41
    assert "    1" not in lines


def test_a_reason_that_was_given_is_not_given_again(tmp_path: Path) -> None:
    script = 'echo "## Refused" > "$GITHUB_STEP_SUMMARY"; exit 1'
    done = Called(tmp_path, "reported", "it", "bash", "-c", script)
    assert (done.code, done.summary) == (1, "## Refused\n")


def test_what_a_command_prints_is_no_command_to_the_runner(tmp_path: Path) -> None:
    printed = "::error::mine\\n::set-output name=image::evil\\n::resume::\\n::error::again"
    done = Called(tmp_path, "reported", "it", "printf", printed)
    commands = Commands()
    assert commands.read(done.output + "::error::ours") == {}
    assert commands.errors == ["ours"]  # they work again afterwards


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A repository of version 1.2.0, as its release finds it."""
    folder = tmp_path / "repository"
    (folder / "output").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0\n\n- News.\n")
    (folder / "Makefile").write_text("sbom:\n\t@echo '{}' > output/sbom.json\n")
    (folder / ".gitignore").write_text("output\n")
    for command in ("init -q", "add -A", "-c user.name=T -c user.email=t@t commit -qm Work"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True)
    return folder


def _release(folder: Path, tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPTS / "release", tag], cwd=folder, capture_output=True, text=True, check=False
    )


def test_a_release_holds_the_sources_and_what_they_install(released: Path) -> None:
    assert _release(released, "v1.2.0").returncode == 0
    files = released / "output" / "release"
    archive = "vision-pipeline-1.2.0.tar.gz"
    assert {path.name for path in files.iterdir()} == {archive, "SHA256SUMS", "sbom.json"}
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=files, check=True)
    listed = subprocess.run(
        ["tar", "--list", "--file", files / archive], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "vision-pipeline-1.2.0/CHANGELOG.md" in listed
    assert not [name for name in listed if "output" in name]


@pytest.mark.parametrize(
    ("tag", "changelog", "reason"),
    [
        ("v1.3.0", "## 1.2.0", "The tag is v1.3.0, but pyproject.toml has version 1.2.0"),
        ("1.2.0", "## 1.2.0", "tag v1.2.0"),
        ("v1.2.0", "## Unreleased", "CHANGELOG.md says nothing of 1.2.0"),
    ],
)
def test_what_does_not_fit_is_not_released(
    released: Path, tag: str, changelog: str, reason: str
) -> None:
    (released / "CHANGELOG.md").write_text(changelog)
    done = _release(released, tag)
    assert done.returncode == 1 and reason in done.stderr
    assert not (released / "output" / "release").exists()


def test_folders_that_nobody_needs_make_room(tmp_path: Path) -> None:
    (tmp_path / "sdk" / "bin").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    done = Called(tmp_path, "free-disk", str(tmp_path / "sdk"), str(tmp_path / "absent"))
    assert (done.code, done.errors) == (0, "")
    assert done.output.strip().endswith("free on the disk")
    assert (tmp_path / "kept").is_dir() and not (tmp_path / "sdk").exists()


@pytest.mark.parametrize(
    ("environment", "accelerator", "freed"),
    [
        ("github-hosted", "NVIDIA_TESLA_T4", True),
        ("github-hosted", "", False),
        ("self-hosted", "NVIDIA_TESLA_T4", False),
    ],
)
def test_only_githubs_machine_makes_room_and_only_for_cuda(
    environment: str, accelerator: str, freed: bool
) -> None:
    workflow = yaml.safe_load((REPOSITORY / ".github" / "workflows" / "train.yml").read_text())
    steps = workflow["jobs"]["train"]["steps"]
    [number] = [n for n, step in enumerate(steps) if "free-disk" in step.get("run", "")]
    contexts = {
        "env": {"TRAINING_ACCELERATOR": accelerator},
        "runner": {"environment": environment},
    }
    assert bool(evaluate(steps[number]["if"], contexts, {})) is freed
    assert steps[number + 1]["name"] == "Build the image"
