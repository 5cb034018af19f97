import re
from pathlib import Path

import pytest

from components.settings import SettingsError
from pipeline.configs import Settings, load_settings
from pipeline.data_version import fixed_data
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults() -> None:
    settings = load_settings()
    assert settings.recipe == "scenes"
    assert settings.name_pipeline() == "segformer-training-pipeline"
    assert settings.load_recipe().model == "unet"


@pytest.mark.parametrize("recipe", ["scenes", "pets"])
def test_places_follow_the_recipe(recipe: str) -> None:
    settings = load_settings(recipe=recipe)
    assert settings.data_root == f"data/{recipe}"
    assert settings.pipeline_root == f"output/{recipe}/pipeline"
    assert settings.serving_dir == f"output/{recipe}/serving"
    assert settings.is_default("data_root", "pipeline_root", "serving_dir")
    told = settings.as_typed("recipe", "data_root", "serving_dir")
    assert told == ("" if recipe == "scenes" else "RECIPE=pets")


def test_places_follow_the_name_in_a_file_of_any_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('base = "pets"\nname = "leaves"\n')
    settings = load_settings(recipe="mine.toml", serving_dir="served")
    assert settings.data_root == "data/leaves"
    assert settings.as_typed("recipe", "data_root", "serving_dir") == (
        "RECIPE=mine.toml SERVING_DIR=served"
    )


def test_environment_wins_over_file_and_file_over_recipe(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("EPOCHS=3\nIMAGE_SIZE=64\n# a comment\nUNRELATED=1\n")
    monkeypatch.setenv("EPOCHS", "4")
    recipe = load_settings().load_recipe()
    assert (recipe.epochs, recipe.image_size) == (4, 64)


def test_a_file_that_is_no_text_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^\.env is no text in UTF-8: save it as such"):
        load_settings()


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
        ("IMAGE_SIZE", "1000000"),
        ("LEARNING_RATE", "1e9"),
        ("LEARNING_RATE", "nan"),
        ("BATCH_SIZE", "100000000"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=re.escape(f"{name}='{value}'")):
        load_settings()


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EPOCH", "3")
    monkeypatch.setenv("IMAGE_SIZE", "1000000")
    monkeypatch.setenv("MODEL", "unett")
    monkeypatch.setenv("HF_SPACE_SECRETS", "hf_aBcDeFgHiJkLm")
    (tmp_path / ".env").write_text("LEARN_RATE=1\nBATCH_SIZE=0\nHF_HOME=/cache\n")
    with pytest.raises(SettingsError) as wrong:
        load_settings(flags={"learning_rate": "1e9"})
    assert str(wrong.value).splitlines() == [
        "Wrong settings:",
        "  EPOCH in the environment is no setting, did you mean EPOCHS?",
        "  LEARN_RATE in .env is no setting, did you mean LEARNING_RATE?",
        "  HF_SPACE_SECRETS: expected a JSON object.",
        "  MODEL=unett is unknown; known are deeplabv3plus, segformer, unet, unet_light. Did you "
        "mean unet?",
        "  IMAGE_SIZE='1000000': Input should be less than or equal to 4096.",
        "  BATCH_SIZE='0': Input should be greater than 0.",
        "  --learning-rate='1e9': Input should be less than or equal to 10.",
    ]


@pytest.mark.parametrize("name", ["MODE", "NODE", "HF_TOKEN", "HF_HOME", "DATA_DIR", "MODEL_ID"])
def test_other_programs_variables_are_none_of_ours(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, "theirs")
    (tmp_path / ".env").write_text(f"{name}=theirs\n")
    load_settings()


def test_an_unknown_recipe_hides_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHS", "many")
    with pytest.raises(SettingsError) as wrong:
        load_settings(flags={"recipe": "pet"})
    _, recipe, epochs = str(wrong.value).splitlines()
    assert recipe.startswith("  RECIPE=pet is unknown; known are ")
    assert epochs.startswith("  EPOCHS='many': ")


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHS", "4")
    monkeypatch.setenv("TUNE", "1")
    flags = {"epochs": "5", "tune": False, "hf_space_variables": '{"GREETING": "hello"}'}
    settings = load_settings(flags=flags)
    assert (settings.epochs, settings.tune) == (5, False)
    assert settings.hf_space_variables == {"GREETING": "hello"}


def test_what_is_set_is_not_searched() -> None:
    searched = load_settings().load_recipe().search_space
    assert {"learning_rate", "batch_size"} <= set(searched)
    del searched["batch_size"]
    assert load_settings(batch_size=2).load_recipe().search_space == searched


def test_a_search_and_its_result_at_once_are_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE", "1")
    monkeypatch.setenv("HYPERPARAMETERS", "found")
    message = "TUNE=1 searches again what HYPERPARAMETERS=found holds: unset one of them"
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_a_path_may_begin_with_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".env").write_text("DATA_ROOT=~/data\nENCODER_WEIGHTS=~/w.keras\nRECIPE=~/r.toml\n")
    (tmp_path / "r.toml").write_text('base = "pets"\n')
    settings = load_settings(pipeline_root="~/runs", serving_dir="~", hyperparameters="~/found")
    assert settings.model_dump(include={"data_root", "encoder_weights", "recipe"}) == {
        "data_root": f"{tmp_path}/data",
        "encoder_weights": f"{tmp_path}/w.keras",
        "recipe": f"{tmp_path}/r.toml",
    }
    assert (settings.pipeline_root, settings.serving_dir) == (f"{tmp_path}/runs", str(tmp_path))
    assert settings.hyperparameters == f"{tmp_path}/found"


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
    with pytest.raises(SettingsError, match=r"_ROOT=.*/copy \[2\]/output/scenes/pipeline cannot"):
        load_settings()
    assert load_settings(pipeline_root=str(tmp_path / "runs")).data_root == "data/scenes"


def test_an_unknown_recipe_is_met_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match="known are cifar10, pets, scenes, tires. Did you mean pets"
    ):
        load_settings(recipe="pet")


def test_the_example_file_names_every_setting_and_its_default() -> None:
    written = dict(
        re.findall(r"^# ?([A-Z_0-9]+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.M)
    )
    assert {name.lower() for name in written} == set(Settings.model_fields)
    settings = load_settings()
    for name in Settings.model_fields:
        default = settings.default(name)
        if default is None:
            default = getattr(settings.load_recipe(), name, None)
        assert written[name.upper()] == ("" if default is None else str(default))


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
    message = "HF_SPACE_VARIABLES='GREETING=hello': expected a JSON object"
    with pytest.raises(SettingsError, match=message):
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
    # A secret is read at the moment of use; a rehearsal, the webhooks' worker and the filter of
    # native notices hand the environment on to what they start, and the validator's own process
    # gets a part of it; the command lines add to NO_PROXY. Names that are almost a setting's are
    # looked for, whose values stay unread. A job's recorder is told by the rehearsal's verb where
    # its job is asked for.
    assert sorted(reading) == [
        "notices.py",
        "recorder.py",
        "rehearsal.py",
        "rehearse.py",
        "secrets.py",
        "settings.py",
        "terminal.py",
        "validate.py",
        "worker.py",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"DATA_VERSION": "data/pets"}, "DATA_VERSION: The address data/pets is not of the form"),
        ({"DATA_VERSION": "split_1"}, "A name alone is a folder of TIRES_BUCKET: set that."),
        ({"TIRES_BUCKET": "key:hunter2@x"}, "TIRES_BUCKET: The address s3://… has a user name"),
        ({"DATA_VERSION": "s3://key:hunter2@bucket/x"}, "has a user name or a password in it"),
        ({"DATA_VERSION": "s3://bucket/x?sig=hunter2"}, "goes on with a query"),
        ({"LAKEFS_ENDPOINT": "http://key:hunter2@127.0.0.1"}, "it has keys in it"),
        ({"LAKEFS_SECRET_KEY_SECRET": "hunter2"}, "a secret is named, not given"),
        (
            {"DATA_VERSION": "lakefs://image-data/main/data", "DATA_ROOT": "data/pets"},
            "DATA_ROOT=data/pets and DATA_VERSION both say what to train on",
        ),
    ],
)
def test_versions_that_are_set_wrong(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings(env_file="/nonexistent")
    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "address"),
    [("split_1", "s3://my-tires/split_1"), ("s3://others/split_1", "s3://others/split_1")],
)
def test_a_name_alone_is_a_folder_of_the_bucket(given: str, address: str) -> None:
    settings = load_settings(flags={"data_version": given, "tires_bucket": "my-tires"})
    assert settings.data_version == address


def test_a_job_is_compiled_of_what_cannot_change() -> None:
    version = f"lakefs://image-data/{'0a' * 32}/data"
    given = {"env_file": "/nonexistent", "pipeline_root": "gs://bucket/root"}
    placed = fixed_data(load_settings(**given, data_version=version))
    assert placed.data_root.startswith("gs://bucket/root/versions/image-data-0a0a0a0a0a0a-")
    assert placed.as_typed("data_version", "data_root") == f"DATA_VERSION={version}"
    with pytest.raises(ValueError, match="may change, .* resolve it with `visionpipe data pull"):
        fixed_data(load_settings(**given, data_version="lakefs://image-data/main/data"))
