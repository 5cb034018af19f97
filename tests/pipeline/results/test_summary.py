"""What a run says at its end of a model that cannot be served."""

import pytest
from rich.console import Console

from pipeline.configs import load_settings
from pipeline.report.page import verdict
from pipeline.results import summary
from pipeline.runs.history import Run
from tests.conftest import Workplace
from tests.pipeline.report.pages import run_of

REASON = "The model has no signature `network`; export it as models/signatures.py does."


@pytest.fixture
def run(hostile: Workplace) -> Run:
    """A run whose gate blessed."""
    run = run_of(hostile)
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 1)
    return run


def printed(run: Run, **settings: str) -> str:
    console = Console(width=500)
    with console.capture() as captured:
        console.print(summary.table(run, load_settings("none", **settings), "report.html"))
    return captured.get()


def following(run: Run, **settings: str) -> str:
    """The command that the table names as the next one."""
    [line] = [line for line in printed(run, **settings).splitlines() if "│ next " in line]
    return line.split("│")[2].strip()


def test_a_model_that_the_gate_blessed_and_that_can_be_served(run: Run) -> None:
    assert run.blessed
    assert verdict(run).word == "Blessed"
    assert "│ blessed " in printed(run)


def test_how_to_see_runs_in_mlflow_is_a_line(run: Run) -> None:
    [line] = [line for line in printed(run).splitlines() if "│ MLflow " in line]
    assert "make mlflow, and MLFLOW_TRACKING_URI=http://127.0.0.1:5000 " in line


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
        ({}, "make app", "EPOCHS=12 make demo"),
        (
            {"data_root": "data/my own", "serving_dir": "out/serving", "pipeline_root": "out/root"},
            "PIPELINE_ROOT=out/root 'DATA_ROOT=data/my own' SERVING_DIR=out/serving make app",
            "EPOCHS=12 PIPELINE_ROOT=out/root 'DATA_ROOT=data/my own' SERVING_DIR=out/serving "
            "python local_runner.py",
        ),
        (
            {"recipe": "pets"},
            "RECIPE=pets make app",
            "EPOCHS=22 RECIPE=pets python local_runner.py",
        ),
        (
            {
                "recipe": "pets",
                "hf_repo_id": "demo/pets",
                "hf_endpoint": "http://127.0.0.1:8756",
                "tune": "1",
                "epochs": "5",
            },
            "RECIPE=pets make app",
            "EPOCHS=10 RECIPE=pets TUNE=True make demo",
        ),
        (
            {"hf_repo_id": "me/scenes", "hf_private": "1", "hf_space_variables": '{"A": "b c"}'},
            "make app",
            "EPOCHS=12 HF_REPO_ID=me/scenes HF_SPACE_ID=me/scenes HF_PRIVATE=True "
            """'HF_SPACE_VARIABLES={"A": "b c"}' python local_runner.py""",
        ),
        (
            {"model": "unet_light", "encoder_weights": "none", "epochs": "3"},
            "make app",
            "EPOCHS=6 MODEL=unet_light ENCODER_WEIGHTS=none make demo",
        ),
    ],
)
def test_the_next_command_has_what_was_set_for_this_one(
    run: Run, settings: dict[str, str], app: str, longer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RECIPE", "DATA_ROOT", "PIPELINE_ROOT", "SERVING_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert following(run, **settings) == app
    run.steps["Evaluator"].outputs["blessing"].set_int_custom_property("blessed", 0)
    assert following(run, **settings) == longer
