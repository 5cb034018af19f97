"""train.yml where something is missing, not trusted, cancelled, or under way already."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from google.cloud.aiplatform_v1 import types

from tests.conftest import REPOSITORY
from tests.emulators.submitting import Runner
from tests.github.cloud import BUCKET, Cloud, cloud
from tests.github.images import image_tag
from tests.github.player import Played

EVERY_DAY = {"event_name": "schedule"}


@pytest.fixture
def there(tmp_path: Path, runner: Runner) -> Iterator[Cloud]:
    """What a team has set up; its jobs end when they are released."""
    with cloud(tmp_path, lambda steps: runner) as there:
        yield there
        runner.released.set()


def skipped(played: Played) -> set[str]:
    return {step.name for step in played.steps.values() if step.outcome == "skipped"}


@pytest.mark.parametrize(
    "name",
    ["GOOGLE_CLOUD_PROJECT", "WORKLOAD_IDENTITY_PROVIDER", "HF_REPO_ID", "HF_TOKEN_SECRET"],
)
def test_a_missing_variable_is_named_before_anything_else(
    there: Cloud, team: Path, name: str
) -> None:
    player = there.player(team)
    del player.variables[name]
    played = player.play("train.yml", "train")
    assert played.conclusion == "failure"
    assert played.errors[0].startswith(f"Not set: {name}. Set them under Settings")
    assert f"Not set: {name}." in played.summary
    assert len(skipped(played)) == len(played.steps) - 2  # after the checkout nothing ran
    assert there.vertex.requests == [] and there.registry.requests == []


def test_who_publishes_nothing_needs_no_hub(there: Cloud, team: Path) -> None:
    player = there.player(team)
    for name in ("HF_REPO_ID", "HF_TOKEN_SECRET"):
        del player.variables[name]
    del player.variables["WORKLOAD_IDENTITY_PROVIDER"]
    played = player.play("train.yml", "train", inputs={"publish": "false"})
    assert played.errors[0].startswith("Not set: WORKLOAD_IDENTITY_PROVIDER. ")


def test_a_fork_that_has_set_up_nothing_is_not_told_so_by_the_clock(
    there: Cloud, team: Path
) -> None:
    player = there.player(team)
    player.variables.clear()
    assert player.play("train.yml", "train", **EVERY_DAY).conclusion == "skipped"


def test_a_run_without_an_identity(there: Cloud, team: Path) -> None:
    player = there.player(team)
    del player.environment["ACTIONS_ID_TOKEN_REQUEST_URL"]
    played = player.play("train.yml", "train")
    assert played.conclusion == "failure"
    assert "runs from forks have none" in played.summary


@pytest.mark.parametrize(
    "change",
    [{"repository": "fork/pets"}, {"ref": "refs/heads/other"}, {"token_seconds": -60}],
    ids=["fork", "branch", "expired"],
)
def test_an_identity_that_google_does_not_take(there: Cloud, team: Path, change: dict) -> None:
    for name, value in change.items():
        setattr(there.github, name, value)
    played = there.player(team).play("train.yml", "train")
    assert played.conclusion == "failure"
    assert played.steps["Log in to Google Cloud"].outcome == "failure"
    assert "## Broken: the login to Google Cloud" in played.summary
    assert {"Build the image", "Submit"} <= skipped(played)
    assert there.registry.requests == []


@pytest.mark.slow
def test_one_run_after_the_other_and_a_cancelled_one_trains_no_more(
    there: Cloud, team: Path, few_pets: Path, runner: Runner
) -> None:
    """While a job is active another is refused; cancelling the run ends the job."""
    there.gcs.upload_tree(few_pets, f"{BUCKET}/data")
    there.registry.push_empty("segmentation/pipeline", image_tag(team))
    runner.released.clear()
    first, ended = there.player(team), []
    running = threading.Thread(target=lambda: ended.append(first.play("train.yml", "train")))
    running.start()
    deadline = time.monotonic() + 300
    while not runner.jobs and running.is_alive() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert runner.jobs, ended

    second = there.player(team)
    second.runs = 1
    played = second.play("train.yml", "train")
    assert played.conclusion == "failure"
    assert played.steps["Submit"].outcome == "failure"
    assert "## Broken: the submission" in played.summary
    assert "The job train-1-1 of the same pipeline is active" in played.summary

    first.cancelled.set()
    running.join()
    [cancelled] = ended
    assert cancelled.conclusion == "cancelled"
    assert cancelled.steps["Wait for the verdict"].outcome == "cancelled"
    assert cancelled.steps["Cancel the job with the run"].outcome == "success", cancelled
    [job] = there.vertex.jobs
    assert types.PipelineState(job.state).name == "PIPELINE_STATE_CANCELLED"


def test_runs_are_dispatched_one_after_another() -> None:
    """GitHub runs one of a group at a time; of what a field may be, the group has nothing."""
    text = (REPOSITORY / ".github" / "workflows" / "train.yml").read_text()
    concurrency = yaml.safe_load(text)["concurrency"]
    assert concurrency == {"group": "train", "cancel-in-progress": False}
