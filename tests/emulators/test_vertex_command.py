"""The command line of Vertex AI's emulator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.emulators.deploying import create_endpoint, deploy, upload
from tests.emulators.submitting import pipeline_spec, submit, write_job
from tests.emulators.vertex.__main__ import describe


@pytest.fixture
def workplace(tmp_path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def environment(workplace: Path, **settings: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **os.environ,
        "PATH": path,
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(workplace),
        **settings,
    }


def call(command: list[str], workplace: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=workplace,
        env=environment(workplace, **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def emulated(workplace: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "tests.emulators.vertex", "--state", str(workplace / "state")]
    return call([*line, "--", *command], workplace, **settings)


# Leaves an object, or fails with the one that an earlier command left.
USE = """
from google.cloud import storage
greeting = storage.Client().bucket("demo-bucket").blob("greeting")
if greeting.exists():
    raise SystemExit(int(greeting.download_as_text()))
greeting.upload_from_string("5")
"""


def test_command_uses_what_an_earlier_one_left(gcs, workplace):
    for status in (0, 5):
        done = emulated(workplace, sys.executable, "-c", USE)
        assert done.returncode == status, done.stdout


def test_description(vertex, runner, cloud, bucket, artifact, workplace):
    runner.error = "Second: exit status 1"
    cloud(submit, write_job(workplace, pipeline_spec()), f"{bucket}/root")
    vertex.wait("pets-1")
    model, _ = cloud(upload, artifact, model_id="pets")
    cloud(deploy, cloud(create_endpoint, "dogs", display_name="dogs"), model)
    assert list(describe(vertex)) == [
        "pipeline job pets-1: PIPELINE_STATE_FAILED: "
        "The DAG failed because some tasks failed. Second: exit status 1",
        "  First: FAILED: Second: exit status 1",
        "  Second: FAILED: Second: exit status 1",
        "model pets@1 (pets) [default]",
        "endpoint dogs (dogs)",
        "  pets@1: 100 % of the traffic",
    ]
