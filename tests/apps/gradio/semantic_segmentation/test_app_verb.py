"""`python -m pipeline app`, which is what `make app` runs."""

import json
import sys
from pathlib import Path

from gradio_client import Client

from tests.apps.gradio.semantic_segmentation.running import running_app
from tests.conftest import REPOSITORY, Workplace


def test_the_newest_version_is_served(model_folder: Path, tmp_path: Path) -> None:
    serving = tmp_path / "serving"
    serving.mkdir()
    for version in ("9", "10", "latest"):
        (serving / version).symlink_to(model_folder)
    environment = {"PYTHONPATH": str(REPOSITORY), "SERVING_DIR": str(serving)}
    command = [sys.executable, "-m", "pipeline", "app"]
    with running_app(command, tmp_path, **environment) as running:
        assert f"{serving}/10:" in json.dumps(Client(running.url, verbose=False).config)


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
