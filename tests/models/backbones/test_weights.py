"""ENCODER_WEIGHTS that cannot be had: what every architecture with a pretrained encoder says."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

from models import registry
from models.backbones import weights
from tests.conftest import REPOSITORY
from tests.warm.commands import python

PRETRAINED = ("deeplabv3plus", "segformer", "unet")

BUILD = """
import sys
from models import registry
for name in sys.argv[1:]:
    try:
        registry.build_model("segmentation", name, 64, 3, "imagenet")
    except ValueError as error:
        print(f"{name}: {error}")
registry.build_model("segmentation", "unet", 64, 3, "imagenet", "efficientnet_lite0")
"""


@pytest.fixture(scope="module")
def said_offline(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What building with `imagenet` says where no server can be reached, by architecture."""
    folder = tmp_path_factory.mktemp("offline")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound but not listening: refuses at once
        proxy = f"http://127.0.0.1:{closed.getsockname()[1]}"
        environment = {
            **os.environ,
            "HOME": str(folder),
            "KERAS_HOME": str(folder),  # no weights of an earlier download
            "KAGGLEHUB_CACHE": str(folder),
            "PYTHONPATH": str(REPOSITORY),
            **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy),
            **dict.fromkeys(("no_proxy", "NO_PROXY"), ""),
        }
        result = subprocess.run(
            [python(), "-c", BUILD, *PRETRAINED],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        )
    lines = (line.partition(": ") for line in result.stdout.splitlines())
    return {name: message for name, _, message in lines if name in PRETRAINED}


@pytest.mark.parametrize("name", PRETRAINED)
def test_imagenet_without_a_network_names_the_ways_out(
    said_offline: dict[str, str], name: str
) -> None:
    message = said_offline[name]
    assert message.startswith("ENCODER_WEIGHTS=imagenet could not be downloaded; ")
    assert "set ENCODER_WEIGHTS to the path of a " in message
    assert "or ENCODER_WEIGHTS=none to train from random weights" in message
    assert "or ENCODER to one whose weights the extra `pretrained` has installed: " in message
    assert ", ".join(weights.PACKAGED) in message
    assert {*weights.PACKAGED} <= {*registry.known_encoders()}


@pytest.mark.parametrize("name", PRETRAINED)
def test_a_path_of_nothing_is_refused_before_the_run(name: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.h5"
    with pytest.raises(ValueError) as raised:
        registry.check_model("segmentation", name, 64, str(missing))
    message = str(raised.value)
    assert message.startswith(f"ENCODER_WEIGHTS={missing} is no file")
    assert "give imagenet, none, or the path of a" in message


def test_a_folder_is_taken_only_where_it_can_be_read(tmp_path: Path) -> None:
    weights.check_path(str(tmp_path), "a folder", folders=True)
    with pytest.raises(ValueError, match="is no file; give"):
        weights.check_path(str(tmp_path), "a file")


def test_weights_elsewhere_are_copied_here(tmp_path: Path) -> None:
    """A file, and a folder with folders in it, by any file system of TensorFlow's."""
    (tmp_path / "preset" / "task").mkdir(parents=True)
    for name in ("preset/config.json", "preset/task/model.h5"):
        (tmp_path / name).write_text(name)
    elsewhere = "ram://encoder-weights"
    for name in ("preset/config.json", "preset/task/model.h5"):
        tf.io.gfile.makedirs(f"{elsewhere}/{Path(name).parent}")
        tf.io.gfile.copy(str(tmp_path / name), f"{elsewhere}/{name}")
    weights.check_path(f"{elsewhere}/preset", "a folder", folders=True)
    weights.check_path(f"{elsewhere}/preset/config.json", "a file")
    with pytest.raises(ValueError, match="is no file; give"):
        weights.check_path(f"{elsewhere}/missing.h5", "a file")
    with weights.loading(f"{elsewhere}/preset", "Net", "a folder") as found:
        read = {
            path.relative_to(found).as_posix(): path.read_text()
            for path in Path(found).rglob("*")
            if path.is_file()
        }
    assert read == {
        "config.json": "preset/config.json",
        "task/model.h5": "preset/task/model.h5",
    }
    with weights.loading(f"{elsewhere}/preset/config.json", "Net", "a file") as found:
        assert Path(found).read_text() == "preset/config.json"


def test_other_failures_without_a_message_name_their_kind() -> None:
    with (
        pytest.raises(ValueError, match="^ENCODER_WEIGHTS=a.h5 does not fit Net: KeyError$"),
        weights.loading("a.h5", "Net", "a file"),
    ):
        raise KeyError
