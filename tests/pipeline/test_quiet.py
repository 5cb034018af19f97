"""Verbs that import TensorFlow, started as a user does: nothing of it is seen."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.notices import notices
from tests.serving.tiny_models import give_provenance, push_tiny


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pushed")
    give_provenance(push_tiny(folder, 1, 0), "scenes")
    return folder


def test_a_verb_that_ends(pushed: Path, tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.fromarray(np.zeros((30, 20, 3), np.uint8)).save(photo)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "predict", pushed, photo, "--output", tmp_path / "out"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert notices(done.stdout + done.stderr) == []


def test_a_server(pushed: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "serve", "--port", "0", "--model", str(pushed)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        lines = iter(server.stdout.readline, "")
        told = next((line for line in lines if line.startswith("Listens at ")), "")
        server.send_signal(signal.SIGTERM)
        rest, errors = server.communicate(timeout=100)
    assert told, errors
    assert server.returncode == 0, errors
    assert notices(rest + errors) == []
