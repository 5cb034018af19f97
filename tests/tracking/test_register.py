"""`visionpipe register`: what is registered, and what is not."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.__main__ import main
from tests.tracking.recording import Recorder
from tracking import names, versions
from tracking.client import Connection
from tracking.runs import find_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tests.tracking.conftest import Typed

pytestmark = pytest.mark.usefixtures("asked")
LIMITED = {"limits": {"mean_iou": 0.5, "iou_border": 0.45}, "max_drop": 1.0}


def test_the_newest_run_becomes_a_version_once(
    record: Recorder, client: "MlflowClient", recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record()
    newest = record()
    record(status="FAILED")
    assert main(["register", "--recipe", recipe, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["version"], told["run"], told["new"]) == (1, newest, True)
    assert main(["register", "--run", find_run_id(client, newest), "--why", "again"]) == 0
    assert capsys.readouterr().out.startswith(f"Already registered: version 1 of {recipe}")
    [version] = client.search_model_versions(f"name = '{recipe}'")
    assert version.run_id == newest
    assert version.source == f"lakefs://models/{'a' * 64}/models/{recipe}"
    assert version.tags[names.STAGE] == names.REGISTERED
    assert version.tags[names.REASON] == "it meets its recipe's limits"
    assert version.tags[names.REGISTERED_BY]
    assert names.MISSES not in version.tags


def test_a_run_below_a_limit_is_refused_and_by_hand_it_is_noted(
    record: Recorder, client: "MlflowClient", recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(recipe=record.recipe(gate=LIMITED))
    miss = "border IoU 0.400 is below 0.450"
    assert main(["register", "--recipe", recipe, "--why", "it is new"]) == 3
    assert (
        capsys.readouterr()
        .err.rstrip()
        .endswith(
            f"is not registered: {miss}. Choose another, or register it by hand with --manual."
        )
    )
    assert not client.search_model_versions(f"name = '{recipe}'")
    assert main(["register", "--run", run, "--manual", "--why", " a demo "]) == 0
    [version] = client.search_model_versions(f"name = '{recipe}'")
    assert (version.tags[names.MISSES], version.tags[names.REASON]) == (miss, "a demo")


def test_neither_blessed_nor_measured_nor_finished(
    record: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = {names.BLESSED: "false", names.REFUSALS: "border IoU 0.1 is below 0.2"}
    run = record(refused, {"mean_iou": float("nan")}, record.recipe(gate=LIMITED), "KILLED")
    assert main(["register", "--run", run]) == 3
    said = capsys.readouterr().err
    assert "mean IoU was not measured, so its limit 0.500 is not met" in said
    assert "the gate did not bless it (border IoU 0.1 is below 0.2); the run is KILLED" in said


def test_a_network_that_was_compared_is_not_registered(
    record: Recorder, recipe: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record({names.COMPARISON: "zoo-2026-11-30"})
    assert main(["register", "--recipe", recipe, "--run", run, "--manual", "--why", "a try"]) == 2
    assert (
        "is one of `visionpipe zoo`, whose networks no gate has judged" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--run", "nobody"], 2, "knows no run nobody"),
        (["--run", "../a'b"], 2, "is no id of a run"),
        (["--recipe", "a/b"], 2, "'a/b' is no name of a recipe"),
        (["--recipe", "nothing-of-it"], 2, "has no finished run of recipe nothing-of-it"),
        (["--recipe", "nowhere.toml"], 2, "nowhere.toml cannot be read"),
        (["--manual"], 2, "--manual asks, and this is no terminal: name the run with --run ID."),
    ],
)
def test_what_cannot_be_found(
    words: list[str], status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["register", *words]) == status
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert said in printed.err


def test_a_reason_is_asked_for_on_a_terminal_alone(
    record: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record()
    assert main(["register", "--run", run, "--manual"]) == 2
    assert "give the reason with --why TEXT" in capsys.readouterr().err
    assert main(["register", "--run", run, "--why", " "]) == 2
    assert "--why is empty" in capsys.readouterr().err


def test_by_hand_a_run_is_chosen_from_a_list(
    record: Recorder,
    client: "MlflowClient",
    recipe: str,
    terminal: "Typed",
    capsys: pytest.CaptureFixture[str],
) -> None:
    older = record(
        {names.BLESSED: "false", names.REFUSALS: "[b]too dark", names.TASK: "a/strange one"},
        recipe=record.recipe(),
    )
    record()
    terminal("7\n2\n\nthe customer asked\n")
    assert main(["register", "--recipe", recipe, "--manual"]) == 0
    assert capsys.readouterr().out.startswith(f"Registered version 1 of {recipe}, run ")
    shown = terminal.seen("Why is it registered")
    assert "refused: [b]too dark" in shown
    assert "mean IoU 0.700" in shown
    assert "the gate did not bless it ([b]too dark)" in shown
    [version] = client.search_model_versions(f"name = '{recipe}'")
    assert (version.run_id, version.tags[names.REASON]) == (older, "the customer asked")
    assert version.tags[names.MISSES] == "the gate did not bless it ([b]too dark)"


def test_a_terminal_that_is_closed(
    record: Recorder, recipe: str, terminal: "Typed", client: "MlflowClient"
) -> None:
    record()
    terminal("\x04")
    assert main(["register", "--recipe", recipe, "--manual"]) == 2
    assert "Nothing was chosen, so nothing was done." in terminal.seen("Nothing was chosen")
    assert not client.search_model_versions(f"name = '{recipe}'")


def test_a_run_without_a_model_and_one_without_a_recipe(
    record: Recorder, client: "MlflowClient", capsys: pytest.CaptureFixture[str]
) -> None:
    run = record({names.MODEL_URI: ""})
    assert main(["register", "--run", run]) == 2
    assert "has no model that was pushed" in capsys.readouterr().err
    run = record()
    client.log_text(run, '{"name": 1}', names.RECIPE_FILE)
    assert main(["register", "--run", run]) == 2
    assert "is no recipe of this version of the project" in capsys.readouterr().err


def test_a_deleted_experiment(
    record: Recorder, client: "MlflowClient", capsys: pytest.CaptureFixture[str]
) -> None:
    run = record()
    own = find_run_id(client, run)
    client.delete_experiment(record.experiment)
    for name in (run, own):
        assert main(["register", "--run", name]) == 2
        said = capsys.readouterr().err
        assert f"`mlflow experiments restore --experiment-id {record.experiment}`" in said


def test_two_runs_of_one_id(record: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = (record({names.RUN_ID: f"same-{record.name}"}) for _ in range(2))
    assert main(["register", "--run", f"same-{record.name}"]) == 2
    said = capsys.readouterr().err
    assert "2 runs are recorded as" in said and one in said and other in said


def test_at_the_same_time_it_is_one_version(
    record: Recorder, connection: Connection, client: "MlflowClient", recipe: str
) -> None:
    run = find_run(connection, record())
    with ThreadPoolExecutor(6) as threads:
        made = list(threads.map(lambda _: versions.register(connection, run, {}), range(6)))
    assert len({version.number for version, _ in made}) == 1
    assert sum(new for _, new in made) == 1
    assert len(client.search_model_versions(f"name = '{recipe}'")) == 1


def test_a_folder_stays_where_it_is(
    record: Recorder, connection: Connection, tmp_path: Path
) -> None:
    folder = f"{tmp_path}/a b#1/é/1795317567"
    run = find_run(connection, record({names.MODEL_URI: folder}))
    version, new = versions.register(connection, run, {})
    assert (version.source, new) == (folder, True)
    assert versions.register(connection, run, {}) == (version, False)


def find_run_id(client: "MlflowClient", run: str) -> str:
    """The pipeline's own id of a run."""
    return client.get_run(run).data.tags[names.RUN_ID]
