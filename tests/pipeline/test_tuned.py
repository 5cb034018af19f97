"""Hyperparameters from a search to later runs."""

import json
from pathlib import Path

import pytest

from pipeline.configs import load_settings
from pipeline.recipes import load_recipe
from pipeline.tuned import imported_hyperparameters, read_hyperparameters
from tests.conftest import Workplace
from tests.small_runs import REFUSED


def refusal(path: Path | str, **overrides: object) -> str:
    """Why a path given as HYPERPARAMETERS cannot be used."""
    settings = load_settings(env_file="none", hyperparameters=str(path), **overrides)
    with pytest.raises(ValueError) as caught:
        imported_hyperparameters(settings, settings.load_recipe())
    message = str(caught.value)
    assert message.startswith(f"HYPERPARAMETERS={path} cannot be used for recipe scenes: ")
    assert "\n" not in message
    return message


def test_folder_and_file_are_the_same(best_hyperparameters: Path) -> None:
    by_folder = read_hyperparameters(f"{best_hyperparameters}/")
    [file] = best_hyperparameters.iterdir()
    assert read_hyperparameters(str(file)) == by_folder
    assert by_folder.folder == str(best_hyperparameters)
    assert str(by_folder) == "batch_size 16, learning_rate 0.0012"


def test_without_a_file_there_is_nothing_to_import() -> None:
    settings = load_settings(env_file="none")
    assert imported_hyperparameters(settings, settings.load_recipe()) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is no JSON"),
        ('{"values": ', "it is no JSON"),
        ("\x80\x00", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ("{}", "these hyperparameters name no recipe"),
        ('{"values": {"recipe": "tires"}}', "of recipe tires, not of scenes"),
        ('{"values": {"recipe": "scenes", "learning_rate": NaN}}', "it is no JSON"),
        ('{"values": {"recipe": "scenes", "learning_rate": 0}}', "learning_rate=0: "),
        ('{"values": {"recipe": "scenes", "dropout": 0.5}}', "dropout is no hyperparameter"),
    ],
)
def test_a_file_that_no_search_wrote_is_refused(
    best_hyperparameters: Path, content: str, reason: str
) -> None:
    [file] = best_hyperparameters.iterdir()
    file.write_text(content, encoding="latin-1")
    assert reason in refusal(file)


def test_a_path_that_leads_nowhere_is_refused(best_hyperparameters: Path) -> None:
    assert "there is no such file or folder" in refusal(best_hyperparameters / "missing")
    (best_hyperparameters / "notes.txt").touch()
    assert "its folder must hold that one file, and holds 2" in refusal(best_hyperparameters)
    for file in best_hyperparameters.iterdir():
        file.unlink()
    assert "its folder must hold that one file, and holds 0" in refusal(best_hyperparameters)


def test_a_setting_that_contradicts_the_file_is_refused(best_hyperparameters: Path) -> None:
    message = refusal(best_hyperparameters, batch_size=4)
    assert "BATCH_SIZE=4 contradicts its batch_size 16" in message
    agreeing = load_settings(
        env_file="none", hyperparameters=str(best_hyperparameters), batch_size=16
    )
    assert imported_hyperparameters(agreeing, agreeing.load_recipe())


def test_a_run_with_a_wrong_path_ends_in_one_sentence(workplace: Workplace) -> None:
    done = workplace.run("python local_runner.py", HYPERPARAMETERS=workplace.folder / "missing")
    assert done.returncode == 2
    assert "missing cannot be used for recipe scenes: there is no such file" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_later_run_trains_with_what_a_search_found(begun: Workplace, few_pets: Path) -> None:
    trained = begun.pipeline_root / "Trainer" / "model"
    before = set(trained.iterdir())
    small = {"DATA_ROOT": few_pets, **REFUSED, "BATCH_SIZE": ""}  # which is searched
    searched = begun.run("python local_runner.py", TUNE=1, TUNE_TRIALS=2, **small)
    assert searched.returncode == 0, searched.stderr
    [folder] = (begun.pipeline_root / "Tuner" / "best_hyperparameters").iterdir()
    assert f"HYPERPARAMETERS={folder}" in searched.stdout
    values = read_hyperparameters(str(folder)).config["values"]
    assert set(values) == {"recipe", *load_recipe("scenes").search_space}

    reused = begun.run("python local_runner.py", HYPERPARAMETERS=folder, **small)
    assert reused.returncode == 0, reused.stderr
    assert "· Tuner" in searched.stdout and "· Tuner" not in reused.stdout
    models = set(trained.iterdir()) - before
    assert len(models) == 2
    for model in models:
        path = model / "Format-Serving" / "assets.extra" / "provenance.json"
        provenance = json.loads(path.read_text())
        assert {name: provenance[name] for name in values} == values
