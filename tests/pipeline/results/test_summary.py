"""What a run says at its end of a model that cannot be served."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tfx.types import standard_artifacts

from pipeline.configs import load_settings
from pipeline.report.page import verdict
from pipeline.results import summary
from pipeline.results.commands import Commands
from pipeline.runs.history import Run
from tests.conftest import Workplace
from tests.pipeline.report.pages import run_of

UNFINISHED = "The validation's mean IoU was still getting better at epoch 1: train longer, "
REASON = "The model has no signature `network`; export it as models/signatures.py does."


@pytest.fixture
def run(hostile: Workplace) -> Run:
    """A run whose gate blessed."""
    run = run_of(hostile)
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 1)
    return run


def printed(run: Run, by_verb: bool = False, **settings: str) -> str:
    console = Console(width=500)
    commands = Commands(load_settings("none", **settings), by_verb)
    with console.capture() as captured:
        console.print(summary.table(run, commands, "report.html"))
    return captured.get()


def following(run: Run, row: str = "next", by_verb: bool = False, **settings: str) -> str:
    """What the table says in a row, its first line."""
    lines = printed(run, by_verb, **settings).splitlines()
    [line] = [line for line in lines if f"│ {row} " in line]
    return line.split("│")[2].strip()


def test_a_model_that_the_gate_blessed_and_that_can_be_served(run: Run) -> None:
    assert run.blessed
    assert verdict(run).word == "Blessed"
    assert "│ blessed " in printed(run)


def test_how_to_see_runs_in_mlflow_is_a_line(run: Run) -> None:
    [line] = [line for line in printed(run).splitlines() if "│ MLflow " in line]
    assert "make mlflow, and MLFLOW_TRACKING_URI=http://127.0.0.1:5000 " in line


def test_what_the_demo_published_is_seen_on_a_hub_that_is_started_again(run: Run) -> None:
    published = standard_artifacts.PushedModel()
    published.set_int_custom_property("pushed", 1)
    for name in ("url", "tag", "revision", "space_url"):
        published.set_string_custom_property(name, "http://127.0.0.1:8756/demo/pets")
    run.steps["HFPusher"] = replace(run.steps["Evaluator"], outputs={"pushed_model": published})
    here = {"hf_repo_id": "demo/pets", "hf_endpoint": "http://127.0.0.1:8756"}
    assert following(run, "to see both", recipe="pets", **here) == "make hub"
    assert "make hub" not in printed(run, recipe="pets", hf_repo_id="demo/pets")


def test_a_model_that_the_gate_blessed_and_that_cannot_be_served(run: Run) -> None:
    validated = run.steps["ModelValidator"].outputs["blessing"]
    validated.set_string_custom_property("reason", REASON)
    assert not run.blessed
    assert run.refusals()[-1] == REASON
    assert verdict(run).word == "Refused"
    assert verdict(run).reasons[-1] == REASON
    lines = printed(run)
    assert REASON in lines
    assert "not pushed" in lines
    assert "EPOCHS=" not in lines


@pytest.mark.parametrize(
    ("settings", "app", "longer"),
    [
        ({}, "make app", "make demo"),
        (
            {"data_root": "data/my own", "serving_dir": "out/serving", "pipeline_root": "out/root"},
            "PIPELINE_ROOT=out/root 'DATA_ROOT=data/my own' SERVING_DIR=out/serving make app",
            "PIPELINE_ROOT=out/root 'DATA_ROOT=data/my own' SERVING_DIR=out/serving "
            "python local_runner.py",
        ),
        (
            {"recipe": "pets"},
            "RECIPE=pets make app",
            "RECIPE=pets python local_runner.py",
        ),
        (
            {
                "recipe": "pets",
                "hf_repo_id": "demo/pets",
                "hf_endpoint": "http://127.0.0.1:8756",
                "tune": "1",
            },
            "RECIPE=pets make app",
            "RECIPE=pets TUNE=True make demo",
        ),
        (
            {"hf_repo_id": "me/scenes", "hf_private": "1", "hf_space_variables": '{"A": "b c"}'},
            "make app",
            "HF_REPO_ID=me/scenes HF_SPACE_ID=me/scenes HF_PRIVATE=True "
            """'HF_SPACE_VARIABLES={"A": "b c"}' python local_runner.py""",
        ),
        (
            {"model": "unet_light", "encoder_weights": "none"},
            "make app",
            "MODEL=unet_light ENCODER_WEIGHTS=none make demo",
        ),
    ],
)
def test_the_next_command_has_what_was_set_for_this_one(
    run: Run, settings: dict[str, str], app: str, longer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare(monkeypatch)
    assert following(run, **settings) == app
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 0)
    assert following(run, epochs="1", **settings) == f"{UNFINISHED}EPOCHS=2 {longer}"


def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RECIPE", "DATA_ROOT", "PIPELINE_ROOT", "SERVING_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_after_a_verb_the_next_command_is_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch)
    settings = {"recipe": "pets", "serving_dir": "my models", "tune": "1", "epochs": "1"}
    places = "--recipe pets --serving-dir 'my models'"
    assert following(run, by_verb=True, **settings) == f"visionpipe app {places}"
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 0)
    longer = f"visionpipe train --epochs 2 {places} --tune"
    assert following(run, by_verb=True, **settings) == UNFINISHED + longer
    look = f"visionpipe app --model {run.run_id} {places}"
    assert following(run, "look at it", by_verb=True, **settings) == look
    look = f"RECIPE=pets 'SERVING_DIR=my models' visionpipe app --model {run.run_id}"
    assert following(run, "look at it", **settings) == look


def test_a_model_that_was_pushed_before_a_newer_one_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare(monkeypatch)
    monkeypatch.chdir(tmp_path)
    for version in ("7", "12"):
        (tmp_path / "models" / version).mkdir(parents=True)
        (tmp_path / "models" / version / "saved_model.pb").touch()
    pushed = standard_artifacts.PushedModel()
    run.steps["Pusher"] = replace(run.steps["Evaluator"], outputs={"pushed_model": pushed})
    for version, command in (("12", "make app"), ("7", "visionpipe app --model models/7")):
        folder = str(tmp_path / "models" / version)
        pushed.set_string_custom_property("pushed_destination", folder)
        assert following(run) == command
