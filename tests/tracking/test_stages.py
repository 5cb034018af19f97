"""`visionpipe stage`, `produce` and `production`: what is in production, and how it came."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from components.serving_pusher.push import pin
from pipeline.__main__ import main
from pipeline.configs import load_settings
from pipeline.hooks.queue import Entry, Queue
from pipeline.hooks.worker import Worker
from pipeline.recipe import Recipe
from pipeline.recipes import load_recipe
from pipeline.verbs.publish import find_champion
from serving.gateway.versions import find_wanted
from tests.tracking.recording import Recorder
from tracking import names
from tracking.client import Connection
from tracking.runs import find_run
from tracking.stages import produce, read_production
from tracking.versions import find_newest, read_version, register

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.usefixtures("asked")
Printed = pytest.CaptureFixture[str]


class Team:
    """Registers models of a recipe that tells defective tires."""

    def __init__(self, record: Recorder, connection: Connection) -> None:
        self.record, self.connection = record, connection
        self.recipe = Recipe.model_validate(
            {**load_recipe("tires").model_dump(mode="json"), "name": record.name}
        )

    def add(self, auroc: float, model: str = "lakefs://models/c/tires", **more: float) -> str:
        """Registers one more version; returns MLflow's id of its run."""
        figures = {"auroc": auroc, **more}
        tags = {names.DATA_VERSION: "s3://tires/.manifests/1.json", names.GIT_COMMIT: "a98dd87"}
        tags |= {names.GIT_CLEAN: "false", names.MODEL_URI: model}
        run = self.record(tags, figures, self.recipe)
        register(self.connection, find_run(self.connection, run), {})
        return run


@pytest.fixture
def team(record: Recorder, connection: Connection) -> Team:
    return Team(record, connection)


def test_the_best_is_staged_and_produced_and_one_can_go_back(
    team: Team, client: "MlflowClient", recipe: str, connection: Connection, capsys: Printed
) -> None:
    def told(*words: str) -> dict:
        assert main([*words, "--recipe", recipe, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    team.add(0.9, calibration_error=0.02)
    team.add(0.97, calibration_error=0.04)
    best = team.add(0.97, calibration_error=0.05)
    team.add(0.5)
    assert told("stage", "auroc") == {
        "model": recipe,
        "version": 3,  # of two that are equal the newer one
        "run": best,
        "metric": "auroc",
        "value": 0.97,
        "new": True,
    }
    assert told("stage", "auroc")["new"] is False
    assert told("stage", "calibration_error")["version"] == 1  # the lower the better
    tags = {
        int(one.version): one.tags for one in client.search_model_versions(f"name = '{recipe}'")
    }
    stages = {number: found[names.STAGE] for number, found in tags.items()}
    assert stages == {1: "staging", 2: "registered", 3: "staging", 4: "registered"}
    staged = {tags[number][names.STAGED_FOR] for number in (1, 3)}
    assert staged == {"expected calibration error 0.020", "AUROC 0.970"}
    newest = find_newest(connection, recipe)
    assert newest and newest.number == 4
    assert register(connection, find_run(connection, best), {})[0].tags[names.STAGE] == "staging"

    assert told("produce", "auroc")["from"] is None
    assert told("produce", "calibration_error") == {
        "model": recipe,
        "version": 1,
        "from": 3,
        "new": True,
        "served": None,
    }
    assert told("produce", "--version", "1")["new"] is False
    back = ["produce", "--version", "3", "--recipe", recipe, "--why", "false alarms"]
    assert main(back) == 0
    said = f"Version 3 of {recipe} is in production, in the place of version 1: false alarms\n"
    assert capsys.readouterr().out == said
    assert client.get_model_version_by_alias(recipe, "champion").run_id == best

    shown = told("production")
    assert (shown["version"], shown["why"], shown["commit"]) == (
        3,
        "false alarms",
        "a98dd87, modified",
    )
    assert shown["data"] == "s3://tires/.manifests/1.json"
    assert shown["run"] == client.get_run(best).data.tags[names.RUN_ID]
    assert shown["figures"]["auroc"] == 0.97
    moves = [(move["origin"], move["target"], bool(move["who"])) for move in shown["moves"]]
    assert moves == [(1, 3, True), (3, 1, True), (None, 3, True)]
    assert shown["since"] == shown["moves"][0]["when"]
    assert shown["moves"][2]["why"] == "the best AUROC of those staged, 0.970"
    # A run that is gone, an alias that another program moved, and an entry that somebody spoilt.
    client.delete_run(best)
    client.set_registered_model_tag(recipe, f"{names.MOVE}x", "[b]")
    assert main(["production", "--recipe", recipe]) == 0
    page = capsys.readouterr().out
    assert f"version 3 of {recipe}" in page and "was deleted: restore it with" in page
    client.set_registered_model_alias(recipe, "champion", "4")
    assert main(["production", "--recipe", recipe]) == 0
    assert "not known: another program did it" in capsys.readouterr().out


def test_the_server_follows_what_is_produced(team: Team, recipe: str, asked: Path) -> None:
    folder = asked / "serving"
    pin(str(folder), recipe)
    for version, auroc in ((1, 0.9), (2, 0.8)):
        (folder / str(version)).mkdir()
        (folder / str(version) / "saved_model.pb").touch()
        team.add(auroc, str(folder / str(version)))
        assert main(["stage", "auroc", "--recipe", recipe]) == 0

    def produce_served(number: str) -> tuple[int, dict[str, int] | None]:
        code = main(["produce", "--version", number, "--recipe", recipe])
        return code, find_wanted(recipe, folder).labels

    client = team.connection.client
    client.set_model_version_tag(recipe, "2", names.STAGE, names.STAGING)
    assert produce_served("2") == (0, {"stable": 2})
    assert produce_served("1") == (0, {"stable": 1})
    (folder / "2" / "saved_model.pb").unlink()  # what cannot be served is not put into production
    assert produce_served("2") == (2, {"stable": 1})
    champion = read_production(team.connection, recipe).champion
    assert champion and champion.number == 1

    file = asked / "own.toml"
    file.write_text(f'base = "tires"\nname = "{recipe}"\n')
    published = find_champion(load_settings(env_file="none", recipe=str(file)))
    assert published == find_run(team.connection, champion.run_id).name


def test_an_alert_goes_back_to_the_model_before_and_not_twice(
    team: Team, recipe: str, asked: Path
) -> None:
    folder, file = asked / "serving", asked / f"{recipe}.toml"
    file.write_text(f'base = "tires"\nname = "{recipe}"\non_alert = "rollback"\n')
    worker = Worker(
        Queue(asked / "queue.sqlite", 0), load_settings("none", recipe=str(file)), asked, print
    )

    def go_back(served: int) -> int | None:
        return worker._run(Entry(1, "rollback", str(served), "running"), asked / "log", Event())

    for version in (1, 2):
        team.add(0.9, str(folder / str(version)))
        team.connection.client.set_model_version_tag(
            recipe, str(version), names.STAGE, names.STAGING
        )
        assert main(["produce", "--version", str(version), "--recipe", recipe]) == 0
        if version == 1:
            assert go_back(1) == 2  # there is none before
    assert go_back(1) == 2  # it is not in production any more
    assert go_back(2) == 0
    now = read_production(team.connection, recipe)
    assert now.champion and now.champion.number == 1
    assert now.since and now.since.why == "rolled back after an alert about version 2"
    assert go_back(1) == 2
    told = (asked / "log").read_text()
    for sentence in ("none was in production", "is not in production: nothing is done"):
        assert sentence in told
    assert "came into production by a rollback itself" in told


def test_the_loss_is_that_of_the_epoch_that_was_kept(
    team: Team, client: "MlflowClient", recipe: str, capsys: Printed
) -> None:
    for losses, best in (((0.9, 0.2, 0.8), 1), ((0.1, 0.9, 0.3), 2), ((0.1,), None)):
        run = team.add(0.9)
        for epoch, loss in enumerate(losses):
            client.log_metric(run, "val_loss", loss, step=epoch)
        if best is not None:
            client.log_metric(run, "training.best_epoch", best)
    assert main(["stage", "loss", "--recipe", recipe]) == 0
    said = f"Staged version 1 of {recipe}, validation loss 0.200, run "
    assert capsys.readouterr().out.startswith(said)


def test_what_cannot_be_chosen(
    team: Team, client: "MlflowClient", recipe: str, capsys: Printed
) -> None:
    def refused(*words: str) -> str:
        assert main([*words, "--recipe", recipe]) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        return printed.err

    assert f"`visionpipe register --recipe {recipe}`" in refused("stage", "auroc")
    assert f"Nothing of {recipe} is in production: " in refused("production")
    run = team.add(0.9)
    assert f"`visionpipe stage METRIC --recipe {recipe}`" in refused("produce", "auroc")
    assert "known are accuracy, " in (unknown := refused("stage", "aurroc"))
    assert "recall_bound_defective" in unknown and "loss. Did you mean auroc?" in unknown
    assert f"No version of {recipe} was measured by accuracy" in refused("stage", "accuracy")
    assert "Name either a METRIC, or one" in refused("produce")
    assert "Name either a METRIC, or one" in refused("produce", "auroc", "--version", "1")
    assert "--why is empty" in refused("produce", "auroc", "--why", " ")
    assert main(["stage", "auroc", "--recipe", recipe]) == 0
    capsys.readouterr()
    assert f"Version 7 of {recipe} is not staged; these are: 1." in refused(
        "produce", "--version", "7"
    )
    client.delete_run(run)
    assert "has no finished run of versions 1 of" in refused("produce", "auroc")
    for words in (["stage", "auroc"], ["produce", "auroc"], ["production"]):
        assert main([*words, "--recipe", "a/b"]) == 2
        assert "'a/b' is no name of a recipe." in capsys.readouterr().err


def test_of_two_at_once_the_last_wins_and_both_are_told_of(
    team: Team, connection: Connection, recipe: str
) -> None:
    for auroc in (0.9, 0.8):
        team.add(auroc)
    one, other = (read_version(connection, recipe, number) for number in (1, 2))
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda version: produce(connection, version, "me", ""), (one, other)))
    found = read_production(connection, recipe)
    assert found.champion and found.champion.number in (1, 2)
    assert {move.target for move in found.moves} == {1, 2}
