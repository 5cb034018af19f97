"""The command line of TFX against Vertex AI's emulator, and the emulator's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.emulators.deploying import create_endpoint, deploy, upload
from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import IMAGE, pipeline_spec, submit, write_job
from tests.emulators.vertex.__main__ import describe

CREATE = "tfx pipeline create --engine=vertex --pipeline-path=dsl.py"
RUN = (
    "tfx run create --engine=vertex --pipeline-name=greeting --project=demo-project "
    "--region=us-central1"
)


@pytest.fixture
def workplace(tmp_path) -> Path:
    """A folder from which `tfx` is called."""
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


def write_dsl(workplace: Path, root: str) -> None:
    call = f"compile_pipeline({root!r}, {IMAGE!r})"
    text = f"from tests.emulators.greeting import compile_pipeline\n\n{call}\n"
    (workplace / "dsl.py").write_text(text)


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


@pytest.mark.slow
def test_tfx(vertex, runner, bucket, workplace):
    write_dsl(workplace, f"{bucket}/root")
    for command in (CREATE, RUN):
        done = call(command.split(), workplace, **vertex.environment)
        assert done.returncode == 0, done.stdout
    assert "Run created for pipeline: greeting" in done.stdout
    (job,) = vertex.jobs
    assert job.name.rpartition("/")[2] in done.stdout
    job = vertex.wait(job.name.rpartition("/")[2])
    assert [task.task_name for task in job.job_detail.task_details] == ["greeting", "Greet"]
    assert job.pipeline_spec["sdkVersion"] == "tfx-1.21.0"
    executor = job.pipeline_spec["deploymentSpec"]["executors"]["Greet_executor"]
    assert executor["container"]["image"] == IMAGE
    assert runner.jobs[0]["runtimeConfig"]["gcsOutputDirectory"] == f"{bucket}/root"


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


@pytest.mark.slow
def test_rehearsed_jobs(gcs, workplace):
    write_dsl(workplace, "gs://demo-bucket/root")
    first = emulated(workplace, "sh", "-c", f"{CREATE} && {RUN}")
    assert first.returncode == 0, first.stdout
    lines = first.stdout.splitlines()
    assert lines[-1] == "  Greet: SUCCEEDED", first.stdout
    second = emulated(workplace, *RUN.split())
    assert second.stdout.splitlines()[-1] == "  Greet: SKIPPED", second.stdout
    with GcsEmulator(workplace / "gcs") as again:
        again.load(workplace / "state" / "buckets")
        (greeting,) = (
            uri for uri in again.list("gs://demo-bucket/root") if uri.endswith("/greeting")
        )
        assert again.read(greeting) == b"Hello, world!"
