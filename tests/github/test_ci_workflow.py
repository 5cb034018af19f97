"""ci.yml: every script of every job, in a fresh checkout."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.vertex.recorded import RECORDER
from tests.budget.groups import GROUPS
from tests.conftest import REPOSITORY
from tests.emulators.gcs import GcsEmulator
from tests.emulators.osv import Osv
from tests.github.player import Player
from tests.github.repositories import commit
from tests.small_runs import SMOKE
from tests.test_vertex import OFFLINE, STEPS

UV = f"{REPOSITORY}/.tools/bin"  # is not installed again


def logs(played) -> dict[str, str]:
    return {step.name: step.log for step in played.steps.values()}


def test_lint(player: Player) -> None:
    """Which `make lint` itself does beside the tests; here its script is only begun."""
    player.environment["MAKEFLAGS"] = "--dry-run"
    played = player.play("ci.yml", "lint", event_name="pull_request")
    assert played.conclusion == "success", logs(played)
    for tool in ("ruff check", "mypy", "deptry", "actionlint", "zizmor", "checkov"):
        assert tool in played.steps["Lint"].log


@pytest.mark.parametrize(
    ("before", "concerned"), [("HEAD~1", {"image"}), ("0" * 40, GROUPS.keys() - {"test"})]
)
def test_the_groups_that_a_push_concerns(player: Player, before: str, concerned: set[str]) -> None:
    """The last commit changed the Dockerfile; before the first push of a branch was nothing."""
    (player.repository / "Dockerfile").write_text("FROM scratch\n")
    commit(player.repository)
    assert (
        begun(player, "ci.yml", "groups", event_name="push", event={"before": before}) == concerned
    )


def test_all_groups_at_night(player: Player) -> None:
    assert begun(player, "nightly.yml", "test", event_name="schedule") == GROUPS.keys()


def begun(player: Player, workflow: str, job: str, **more: Any) -> set[str]:
    """The groups that a job would run."""
    player.environment["MAKEFLAGS"] = "--dry-run"
    played = player.play(workflow, job, **more)
    assert played.conclusion == "success", logs(played)
    return set(re.findall(r"--group=(\w+)", played.steps["Test"].log))


def test_tests_are_found(player: Player) -> None:
    """Which is all that a test of the tests' own run can do, and of some is enough."""
    player.environment["PYTEST_ADDOPTS"] = "--collect-only -q -n 0 tests/github"
    played = player.play("ci.yml", "test", event_name="pull_request")
    assert played.conclusion == "success", logs(played)
    assert "test_ci_workflow.py::test_tests_are_found" in played.steps["Test"].log


@pytest.mark.slow
def test_compiled_and_rehearsed_without_a_cloud(player: Player, few_pets: Path) -> None:
    given = {"DATA_ROOT": few_pets, **OFFLINE, **SMOKE}
    player.environment |= {name: str(value) for name, value in given.items()}
    player.environment["PATH"] += f":{UV}"
    played = player.play("ci.yml", "rehearse", event_name="push")
    assert played.conclusion == "success", logs(played)
    rehearsal = played.steps["Rehearse"].log
    for step in STEPS - {"HFPusher", RECORDER}:  # nothing is published, or recorded
        assert f"{step} done" in rehearsal
    [workspace] = (player.folder / "run-1").glob("workspace")
    roots = workspace / "output/rehearsal/gcs/rehearsal/pipeline_root"
    assert list(roots.glob("*/*/Trainer_*"))


def test_what_is_installed_is_listed_and_looked_up(
    player: Player,
    gcs: GcsEmulator,
    osv: Osv,
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept"

    def keep(given: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
        kept.mkdir()
        shutil.copy(Path(environment["GITHUB_WORKSPACE"]) / given["path"], kept)
        return {}

    osv.add("PYSEC-2026-1", "pillow")
    player.environment |= gcs.authority.environment | gcs.proxy.environment
    player.environment |= {"UV_HTTP_RETRIES": "0", "PATH": f"{player.environment['PATH']}:{UV}"}
    player.actions["actions/upload-artifact"] = keep
    played = player.play("ci.yml", "supply-chain", event_name="push")
    assert played.conclusion == "success", logs(played)  # it is told, and stops nothing
    assert played.steps["Look for known vulnerabilities"].outcome == "failure"
    assert "## Broken: known vulnerabilities" in played.summary
    assert "PYSEC-2026-1" in played.summary
    assert json.loads((kept / "sbom.json").read_text())["components"]
