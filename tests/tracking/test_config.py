"""The settings of tracked runs, of which one may hold a password."""

import pytest

from pipeline.configs import Settings, load_settings
from pipeline.results.commands import Commands
from tracking.config import ServerConfig

ADDRESS = "http://someone:geheim@mlflow.example:5000/team/"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ADDRESS)
    return load_settings("none")


def test_a_password_in_the_address_is_shown_nowhere(settings: Settings) -> None:
    assert settings.mlflow_address == "http://mlflow.example:5000/team"
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    both = (Commands(settings, by_verb) for by_verb in (False, True))
    repeated = " ".join(f"{one.train_longer()} {one.show('run')}" for one in both)
    assert "geheim" not in shown + repeated
    assert "someone" not in shown + repeated


def test_a_step_is_given_none_of_it(settings: Settings) -> None:
    from components.hf_pusher.component import HFPusher
    from components.lakefs_pusher.component import LakeFSPusher

    for pusher in (HFPusher, LakeFSPusher):
        assert "mlflow" not in _properties(pusher, settings)


def _properties(pusher: type, settings: Settings) -> str:
    from tfx.types import Channel, standard_artifacts

    published = settings.model_copy(update={"hf_repo_id": "a/b", "lakefs_repository": "abc"})
    inputs = {
        "model": standard_artifacts.Model,
        "model_blessing": standard_artifacts.ModelBlessing,
        "infra_blessing": standard_artifacts.InfraBlessing,
        "evaluation": standard_artifacts.ModelEvaluation,
        "examples": standard_artifacts.Examples,
        "edge_model": standard_artifacts.Model,
    }
    own = (
        {"data_root": "data", "task": "segmentation"}
        if pusher.__name__ == "HFPusher"
        else {"recipe": "pets"}
    )
    made = pusher(
        config=published,
        code_digest="digest",
        **{name: Channel(type=kind) for name, kind in inputs.items()},
        **own,
    )
    return str(made.exec_properties)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://u:p@[::1]:5000/mlflow/", "https://[::1]:5000/mlflow"),
        ("http://host", "http://host"),
    ],
)
def test_an_address_is_shown_without_who_asks(address: str, shown: str) -> None:
    config = ServerConfig.model_validate({"mlflow_tracking_uri": address})
    assert config.mlflow_address == shown


@pytest.mark.parametrize(
    "address",
    [
        "mlflow.example",
        "sqlite:///runs.db",
        "http://",
        "http://host:geheim",
        "http://someone:geheim@[::1",
    ],
)
def test_an_address_of_no_server_is_refused_and_not_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(ValueError) as refused:
        load_settings("none")
    assert str(refused.value) == (
        "Wrong settings: MLFLOW_TRACKING_URI: it is no address of an MLflow server, such as "
        "http://127.0.0.1:5000."
    )


def test_what_mlflow_itself_reads_is_no_misspelt_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    (tmp_path / ".env").write_text(
        "MLFLOW_TRACKING_USERNAME=a\nMLFLOW_TRACKING_PASSWORD=b\nMLFLOW_TRACKING_TOKEN=c\n"
    )
    assert load_settings(tmp_path / ".env").mlflow_tracking_uri is None
