"""train.yml where something is missing, not trusted, cancelled, or under way already."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from google.cloud.aiplatform_v1 import types

from pipeline.configs import Settings
from tests.conftest import REPOSITORY
from tests.emulators.github.dispatches import Dispatches
from tests.emulators.submitting import Runner
from tests.github.cloud import BUCKET, PROJECT, Cloud, cloud
from tests.github.expressions import interpolate
from tests.github.images import image_tag
from tests.github.player import Played, Player
from tests.github.test_hostile_inputs import HOSTILE

EVERY_DAY = {"event_name": "schedule"}
NEW_DATA = "repository_dispatch"
WORKFLOWS = REPOSITORY / ".github" / "workflows"


@pytest.fixture
def there(tmp_path: Path, runner: Runner) -> Iterator[Cloud]:
    """What a team has set up; its jobs end when they are released."""
    with cloud(tmp_path, lambda steps: runner) as there:
        yield there
        runner.released.set()


def skipped(played: Played) -> set[str]:
    return {step.name for step in played.steps.values() if step.outcome == "skipped"}


@pytest.mark.parametrize(
    ("asked", "variable", "folder"),
    [
        ("cifar10", "pets", "cifar10"),
        ("", "pets", "pets"),
        ("leaves.toml", "", "leaves.toml"),
        ("", "", "scenes"),
    ],
)
def test_each_recipe_has_a_folder_of_versions(asked: str, variable: str, folder: str) -> None:
    environment = yaml.safe_load((WORKFLOWS / "train.yml").read_text())["jobs"]["train"]["env"]
    contexts = {"inputs": {"recipe": asked}, "vars": {"RECIPE": variable}}
    contexts["vars"]["GOOGLE_CLOUD_PROJECT"] = PROJECT
    assert interpolate(environment["SERVING_DIR"], contexts, {}) == f"{BUCKET}/serving/{folder}"
    assert Settings.model_fields["recipe"].default == "scenes"


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


def record(there: Cloud, **states: str) -> list[str]:
    """Writes what was announced, a data set a day; returns the folders."""
    listed = [
        {
            "data_root": f"{BUCKET}/data/{name}",
            "announced": f"2026-11-{number:02}T00:00:00Z",
            "state": state,
        }
        for number, (name, state) in enumerate(states.items(), 1)
    ]
    objects = there.gcs.client.bucket(BUCKET.removeprefix("gs://"))
    content = json.dumps({"announcements": listed})
    objects.blob("pipeline/announcements.json").upload_from_string(content)
    return [one["data_root"] for one in listed]


def recorded(there: Cloud) -> dict[str, str]:
    listed = json.loads(there.gcs.read(f"{BUCKET}/pipeline/announcements.json"))["announcements"]
    return {one["data_root"].rpartition("/")[2]: one["state"] for one in listed}


def test_new_data_are_recorded_while_other_runs_train(there: Cloud, team: Path) -> None:
    objects = there.gcs.client.bucket(BUCKET.removeprefix("gs://"))
    for name in ("first", "second"):
        objects.blob(f"data/{name}/dataset.json").upload_from_string("{}")
    player = there.player(team)
    for name in ("second", "first"):  # messages come in no order
        event = {"client_payload": {"data_root": f"{BUCKET}/data/{name}"}}
        played = player.play("train.yml", "announce", event_name=NEW_DATA, event=event)
        assert played.conclusion == "success", played
    assert list(recorded(there).items()) == [("first", "waiting"), ("second", "waiting")]


@pytest.mark.parametrize("event_name", ["workflow_dispatch", "schedule"])
def test_only_new_data_are_announced(there: Cloud, team: Path, event_name: str) -> None:
    played = there.player(team).play("train.yml", "announce", event_name=event_name)
    assert played.conclusion == "skipped"


def test_an_older_model_is_held_back_and_the_run_ends_green(there: Cloud, team: Path) -> None:
    first, second = record(there, first="failed", second="published")
    event = {"client_payload": {"data_root": first}}
    played = there.player(team).play("train.yml", "train", event_name=NEW_DATA, event=event)
    assert played.conclusion == "success", played
    assert f"## Held back\n\n{first} was announced before {second}," in played.summary
    assert {"Build the image", "Submit", "Wait for the verdict"} <= skipped(played)
    assert there.vertex.requests == [] and there.registry.requests == []
    assert recorded(there) == {"first": "failed", "second": "published"}


@pytest.mark.parametrize("event", [EVERY_DAY, {"event_name": NEW_DATA}])
def test_a_run_trains_on_the_data_whose_turn_it_is(there: Cloud, team: Path, event: dict) -> None:
    """These data have no shards: the run ends before anything is built, and the next may go on."""
    first, second, third = record(there, first="published", second="waiting", third="waiting")
    event = {**event, "event": {"client_payload": {"data_root": first}}}
    played = there.player(team).play("train.yml", "train", **event)
    assert played.conclusion == "failure"
    assert f"This run trains on {second}, announced 2026-11-02" in played.summary
    assert f"DATA_ROOT={second} has no" in played.summary
    assert recorded(there) == {"first": "published", "second": "failed", "third": "waiting"}
    assert played.outputs == {"waiting": third}


@pytest.fixture
def dispatches() -> Iterator[Dispatches]:
    with Dispatches("demo/pets", "ghs_of_the_run") as dispatches:
        yield dispatches


def play_next(player: Player, dispatches: Dispatches, train: Played) -> Played:
    """Plays the last job of a run of new data."""
    player.runs = dispatches.add(NEW_DATA, "in_progress") - 1
    player.environment |= {
        "GITHUB_API_URL": dispatches.url,
        "GITHUB_REPOSITORY": "demo/pets",
        "GITHUB_TOKEN": dispatches.token,
    }
    return player.play("train.yml", "next", event_name=NEW_DATA, needs={"train": train})


@pytest.mark.parametrize("conclusion", ["success", "failure", "cancelled"])
@pytest.mark.parametrize("waiting", [f"{BUCKET}/data/third", HOSTILE.format("")])
def test_the_end_of_a_run_starts_the_run_of_the_data_that_wait(
    player: Player, dispatches: Dispatches, conclusion: str, waiting: str
) -> None:
    """Whose own run may have ended before its turn, as one whose installation failed."""
    dispatches.add(NEW_DATA, "completed")
    dispatches.add("workflow_dispatch", "queued")  # which takes no turn
    ended = Played(conclusion, {}, "", [], "", {"waiting": waiting})
    played = play_next(player, dispatches, ended)
    assert played.conclusion == "success", played
    payload = {"data_root": waiting}
    assert dispatches.told == [{"event_type": "new-data", "client_payload": payload}]


def test_a_run_that_waits_already_is_the_next(player: Player, dispatches: Dispatches) -> None:
    dispatches.add(NEW_DATA, "pending")
    ended = Played("success", {}, "", [], "", {"waiting": f"{BUCKET}/data/third"})
    played = play_next(player, dispatches, ended)
    assert (played.conclusion, dispatches.told) == ("success", [])
    [step] = played.steps.values()
    assert step.log == f"A run waits already: it takes {BUCKET}/data/third.\n"


def test_where_nothing_waits_nothing_is_started(player: Player, dispatches: Dispatches) -> None:
    ended = Played("success", {}, "", [], "", {"waiting": ""})
    assert play_next(player, dispatches, ended).conclusion == "skipped"


def test_runs_are_dispatched_one_after_another_and_none_is_dropped() -> None:
    """GitHub runs one of a group at a time; of what a field may be, the group has nothing."""
    jobs = yaml.safe_load((WORKFLOWS / "train.yml").read_text())["jobs"]
    for name in ("train", "local"):
        assert jobs[name]["concurrency"] == {
            "group": "train",
            "cancel-in-progress": False,
            "queue": "max",
        }
    # A group for each run: what is announced waits for nothing.
    assert jobs["announce"]["concurrency"]["group"] == "announce-${{ github.run_id }}"


def test_every_setting_may_be_a_variable_of_the_repository() -> None:
    environment = yaml.safe_load((WORKFLOWS / "train.yml").read_text())["jobs"]["train"]["env"]
    built_by_the_run = {"PIPELINE_IMAGE"}
    settings = {name.upper() for name in Settings.model_fields}
    assert settings - built_by_the_run <= set(environment)


def test_the_clock_has_a_file_of_its_own() -> None:
    """GitHub disables the whole file of a schedule after 60 days without a commit."""
    train, weekly = (
        yaml.load((WORKFLOWS / name).read_text(), yaml.BaseLoader)
        for name in ("train.yml", "weekly.yml")
    )
    assert train["on"].keys() == {"workflow_dispatch", "repository_dispatch", "workflow_call"}
    assert weekly["on"].keys() == {"schedule"}
    [job] = weekly["jobs"].values()
    assert job["uses"].removeprefix("$/") == ".github/workflows/train.yml"
    levels = ["none", "read", "write"]
    for called in train["jobs"].values():
        for name, level in called["permissions"].items():
            assert levels.index(level) <= levels.index(job["permissions"][name])


def test_no_job_that_runs_code_of_the_repository_may_change_it() -> None:
    jobs = yaml.load((WORKFLOWS / "train.yml").read_text(), yaml.BaseLoader)["jobs"]
    allowed = {name: job["permissions"].get("contents") for name, job in jobs.items()}
    assert allowed == {"announce": "read", "train": "read", "local": "read", "next": "write"}
    assert not any("uses" in step for step in jobs["next"]["steps"])
