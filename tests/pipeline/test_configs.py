import re
from pathlib import Path

import pytest

from components.settings import SettingsError
from pipeline.configs import Settings, load_settings
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    settings = load_settings()
    assert settings.recipe == "pets"
    assert settings.name_pipeline() == "segformer-training-pipeline"
    assert settings.load_recipe().model == "unet"


def test_environment_wins_over_file_and_file_over_recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("EPOCHS=3\nIMAGE_SIZE=64\n# a comment\nUNRELATED=1\n")
    monkeypatch.setenv("EPOCHS", "4")
    recipe = load_settings().load_recipe()
    assert (recipe.epochs, recipe.image_size) == (4, 64)


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHS", "")
    assert load_settings().epochs is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EPOCHS", "many"),
        ("EPOCHS", "0"),
        ("BATCH_SIZE", "-1"),
        ("TUNE", "perhaps"),
        ("PIPELINE_NAME", "My Pipeline"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(f"{name}='{value}'")):
        load_settings()


def test_what_is_set_is_not_searched() -> None:
    searched = load_settings().load_recipe().search_space
    assert {"learning_rate", "batch_size"} <= set(searched)
    del searched["batch_size"]
    assert load_settings(batch_size=2).load_recipe().search_space == searched


def test_a_search_and_its_result_at_once_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE", "1")
    monkeypatch.setenv("HYPERPARAMETERS", "found")
    message = "TUNE=1 searches anew what HYPERPARAMETERS=found holds: unset one of them"
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_path_may_begin_with_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (tmp_path / ".env").write_text("DATA_ROOT=~/data\nENCODER_WEIGHTS=~/w.keras\nRECIPE=~/r.toml\n")
    settings = load_settings(pipeline_root="~/runs", serving_dir="~", hyperparameters="~/found")
    assert settings.model_dump(include={"data_root", "encoder_weights", "recipe"}) == {
        "data_root": "/home/me/data",
        "encoder_weights": "/home/me/w.keras",
        "recipe": "/home/me/r.toml",
    }
    assert (settings.pipeline_root, settings.serving_dir) == ("/home/me/runs", "/home/me")
    assert settings.hyperparameters == "/home/me/found"


@pytest.mark.parametrize("name", ["DATA_ROOT", "PIPELINE_ROOT"])
@pytest.mark.parametrize("folder", ["data [1]", "gs://bucket/what?", "*"])
def test_a_folder_that_is_a_pattern_is_refused(name: str, folder: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(**{name.lower(): folder})
    [line] = str(refused.value).splitlines()
    assert f"{name}=" in line and f"{folder} cannot be used, because TFX reads" in line
    assert line.endswith("rename the folder, or choose another.")


def test_artifacts_go_to_no_folder_below_a_pattern(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "copy [2]").mkdir()
    monkeypatch.chdir(tmp_path / "copy [2]")
    with pytest.raises(SettingsError, match=r"PIPELINE_ROOT=.*/copy \[2\]/output/pipeline cannot"):
        load_settings()
    assert load_settings(pipeline_root=str(tmp_path / "runs")).data_root == "data/synthetic-pets"


def test_an_unknown_recipe_is_met_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="known are pets. Did you mean pets"):
        load_settings(recipe="pet").load_recipe()


def test_the_example_file_names_every_setting_and_its_default() -> None:
    written = dict(
        re.findall(r"^# ?([A-Z_]+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.M)
    )
    assert {name.lower() for name in written} == set(Settings.model_fields)
    recipe = load_settings().load_recipe()
    for name, field in Settings.model_fields.items():
        default = getattr(recipe, name, "") if field.default is None else field.default
        assert written[name.upper()] == str(default)


def test_the_space_has_the_models_name_unless_it_has_its_own() -> None:
    assert load_settings().hf_space_id is None
    assert load_settings(hf_repo_id="demo/pets").hf_space_id == "demo/pets"
    assert load_settings(hf_repo_id="demo/pets", hf_space_id="demo/x").hf_space_id == "demo/x"


@pytest.mark.parametrize("name", ["HF_TOKEN_SECRET", "HF_SPACE_SECRETS"])
def test_a_secret_that_is_given_is_not_repeated(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secret = "hf_aBcDeFgHiJkLm"
    monkeypatch.setenv(name, secret if name == "HF_TOKEN_SECRET" else f'{{"HF_TOKEN": "{secret}"}}')
    with pytest.raises(SettingsError, match=f"{name}: .*a secret is named, not given") as caught:
        load_settings()
    assert secret not in str(caught.value)


def test_what_is_no_json_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_SPACE_VARIABLES", "GREETING=hello")
    with pytest.raises(SettingsError, match="HF_SPACE_VARIABLES is no JSON object"):
        load_settings()


def test_only_the_settings_read_the_environment() -> None:
    reads = re.compile(r"os\.environ(?!\.setdefault)|getenv")
    sources = [
        path
        for folder in ("pipeline", "models", "tfrecords", "components")
        for path in (REPOSITORY / folder).rglob("*.py")
    ]
    assert sources
    reading = [path.name for path in sources if reads.search(path.read_text())]
    # A secret is read at the moment of use; a rehearsal hands the environment on to the steps,
    # the validator's own process gets a part of it; the command lines add to NO_PROXY.
    assert sorted(reading) == ["rehearsal.py", "secrets.py", "terminal.py", "validate.py"]
