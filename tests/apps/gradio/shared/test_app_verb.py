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
        "`make demo` does.\n"
    )


def test_a_wrong_setting_is_told(workplace: Workplace) -> None:
    done = workplace.run("python -m pipeline app", EPOCHS="many")
    assert (done.returncode, done.stderr[:29]) == (2, "Wrong settings: EPOCHS='many'")
