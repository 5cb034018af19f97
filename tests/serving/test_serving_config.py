"""models.config: what is written is what TensorFlow Serving's own protos read."""

import os
import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from serving import config, rollout
from serving.errors import ServingError
from tests.conftest import Workplace

MODEL = "scenes"
NO_SERVER = "--url http://127.0.0.1:1"


def parsed(folder: Path) -> ModelServerConfig:
    return text_format.Parse((folder / config.FILE).read_text(), ModelServerConfig())


def test_the_newest_version_is_stable_by_default(workplace: Workplace, pushed: Path) -> None:
    done = workplace.run(f"python -m serving config --serving-dir {pushed} {NO_SERVER}")
    assert done.returncode == 0, done.stderr
    assert "stable is 2" in done.stdout and "no server runs" in done.stdout
    [model] = parsed(pushed).model_config_list.config
    assert (model.name, model.model_platform) == (MODEL, "tensorflow")
    assert model.base_path == str(pushed)
    assert list(model.model_version_policy.specific.versions) == [2]
    assert dict(model.version_labels) == {"stable": 2}


def test_a_canary_leaves_stable_where_it_is(workplace: Workplace, pushed: Path) -> None:
    run = f"python -m serving config --serving-dir {pushed} {NO_SERVER}"
    assert workplace.run(f"{run} --stable 1").returncode == 0
    done = workplace.run(f"{run} --canary 2")
    assert "stable is 1, canary is 2" in done.stdout, done.stderr
    [model] = parsed(pushed).model_config_list.config
    assert list(model.model_version_policy.specific.versions) == [1, 2]
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}


def test_nothing_is_left_beside_the_file_which_others_may_read(pushed: Path) -> None:
    before = os.umask(0o022)
    config.write(pushed, config.build(pushed, MODEL, {1}, {"stable": 1}))
    os.umask(before)
    assert (pushed / config.FILE).stat().st_mode & 0o777 == 0o644  # the container's user does
    assert {path.name for path in pushed.iterdir()} == {"1", "2", config.FILE}


@pytest.mark.parametrize("make", [Path.mkdir, lambda folder: None], ids=["empty", "missing"])
def test_nothing_was_pushed(workplace: Workplace, tmp_path: Path, make) -> None:
    make(tmp_path / "serving")
    done = workplace.run(f"python -m serving config --serving-dir {tmp_path}/serving {NO_SERVER}")
    assert done.returncode == 1
    assert done.stderr == (
        f"No model was pushed to {tmp_path}/serving yet: run the pipeline first, as `make demo` "
        "does.\n"
    )


def test_a_half_copied_version_is_none(pushed: Path) -> None:
    half = Path(shutil.copytree(pushed / "2", pushed / "3"))
    (half / "saved_model.pb").unlink()
    (pushed / ".incoming-4").mkdir()
    assert rollout.choose(pushed, MODEL, None, None) == {"stable": 2}
    with pytest.raises(
        ServingError, match="Stable cannot be 3: .* no whole model; pushed are 1, 2"
    ):
        rollout.choose(pushed, MODEL, 3, None)


def test_a_label_to_a_version_that_is_not_there(pushed: Path) -> None:
    with pytest.raises(ServingError, match="Canary cannot be 9: .*; pushed are 1, 2"):
        rollout.choose(pushed, MODEL, 1, 9)


def test_a_stable_version_that_was_removed(pushed: Path) -> None:
    config.write(pushed, config.build(pushed, MODEL, {1}, {"stable": 1}))
    shutil.rmtree(pushed / "1")
    with pytest.raises(ServingError, match="Stable cannot be 1"):
        rollout.choose(pushed, MODEL, None, 2)


def test_a_file_that_is_no_config(pushed: Path) -> None:
    (pushed / config.FILE).write_text("model_config_list {")
    with pytest.raises(ServingError, match="is no model config .*; delete it"):
        rollout.choose(pushed, MODEL, None, 2)
