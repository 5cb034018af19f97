"""`python -m pipeline app`, which is what `make app` runs."""

import json
import sys
from pathlib import Path

from gradio_client import Client

from tests.apps.gradio.running import running_app
from tests.conftest import REPOSITORY, Workplace
from tfrecords.drawing import scenes
from tfrecords.example import LabelledImage
from tfrecords.shards import write_records


def test_the_newest_version_is_served_with_validation_photos(
    model_folder: Path, tmp_path: Path
) -> None:
    serving = tmp_path / "serving"
    serving.mkdir()
    for version in ("9", "10", "latest"):
        (serving / version).symlink_to(model_folder)
    photos = [scenes.draw(0, number).jpeg() for number in range(2)]
    write_records(
        str(tmp_path / "val-00000-of-00001.tfrecord"),
        [LabelledImage("a", "b", "c", photo, b"").serialize() for photo in photos],
    )
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "SERVING_DIR": str(serving),
        "DATA_ROOT": str(tmp_path),
        "PIPELINE_ROOT": str(tmp_path / "runs"),
    }
    command = [sys.executable, "-m", "pipeline", "app"]
    with running_app(command, tmp_path, **environment) as running:
        config = Client(running.url, verbose=False).config
    assert f"{serving}/10:" in json.dumps(config)
    [examples] = [part for part in config["components"] if part["type"] == "dataset"]
    assert len(examples["props"]["samples"]) == 2
    kept = sorted((tmp_path / "runs" / "app-examples").iterdir())
    assert [path.read_bytes() for path in kept] == photos


def test_that_nothing_was_pushed_is_told(workplace: Workplace) -> None:
    done = workplace.run("python -m pipeline app")
    assert done.returncode == 2
    assert done.stderr == (
        f"No model was pushed to {workplace.serving_dir} yet: run the pipeline first, as "
        "`make demo` does, or name a model with --model.\n"
    )


def test_a_wrong_setting_is_told(workplace: Workplace) -> None:
    done = workplace.run("python -m pipeline app", HF_REPO_ID="pets")
    assert (done.returncode, done.stderr[:33]) == (2, "Wrong settings: HF_REPO_ID='pets'")


def test_a_model_of_another_task_is_shown_by_its_own_app(
    model_folder: Path, tmp_path: Path
) -> None:
    environment = {
        "PYTHONPATH": str(REPOSITORY),
        "RECIPE": "cifar10",
        "SERVING_DIR": str(tmp_path / "none"),
        "PIPELINE_ROOT": str(tmp_path / "runs"),
    }
    command = [sys.executable, "-m", "pipeline", "app", "--model", str(model_folder)]
    with running_app(command, tmp_path, **environment) as running:
        config = Client(running.url, verbose=False).config
        taken = running.url.rstrip("/").rpartition(":")[2]
        done = Workplace(tmp_path).run(" ".join([*command, "--port", taken]))
    assert f"{model_folder}:" in json.dumps(config)
    assert config["title"] == "Semantic segmentation"
    assert done.returncode == 1
    assert f"This is the model of {model_folder}." in done.stderr
    assert done.stderr.endswith("give a free one with --port, or in GRADIO_SERVER_PORT.\n")
