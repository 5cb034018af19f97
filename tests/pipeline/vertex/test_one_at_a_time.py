"""One active job of a pipeline at a time, on an emulated Vertex AI."""

import os
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1 import types

from tests.conftest import REPOSITORY
from tests.emulators.child import ChildProcess
from tests.emulators.submitting import Runner, pipeline_spec
from tests.emulators.vertex import VertexEmulator, listing, pipeline_jobs
from tests.pipeline.vertex.verbs import Done, job_file, verb
from tests.warm.commands import python

State = types.PipelineState


@pytest.fixture
def specs(tmp_path: Path) -> dict[str, str]:
    """Jobs by the names of their pipelines."""
    paths = {}
    for name in ("pets", "cats"):
        folder = tmp_path / name
        folder.mkdir()
        spec = {**pipeline_spec(), "pipelineInfo": {"name": name}}
        spec["root"].pop("inputDefinitions")
        paths[name] = job_file(folder, spec)
    return paths


@pytest.fixture
def submit(child: ChildProcess, vertex: VertexEmulator, specs: dict[str, str]) -> Callable:
    """Submits a job of a pipeline under an id."""
    return lambda pipeline, job_id: child(
        verb, "submit", "--spec", specs[pipeline], "--job-id", job_id
    )


def states(vertex: VertexEmulator) -> dict[str, int]:
    return {job.name.rpartition("/")[2]: job.state for job in vertex.jobs}


def test_a_job_lets_an_earlier_one_pass(
    submit: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    runner.released.clear()
    assert submit("pets", "pets-1").status == 0
    refused = submit("pets", "pets-2")
    assert (refused.status, refused.output) == (2, "")
    assert "The job pets-1 of the same pipeline is active" in refused.error
    assert "`visionpipe wait pets-1`" in refused.error
    assert "`visionpipe cancel pets-1`" in refused.error
    assert "/pipelines/runs/pets-1?project=demo-project" in refused.error
    assert submit("cats", "cats-1").status == 0  # another pipeline
    runner.released.set()
    vertex.wait("pets-1")
    assert submit("pets", "pets-2").status == 0
    assert set(states(vertex)) == {"pets-1", "pets-2", "cats-1"}


def test_the_active_job_may_be_on_a_later_page(
    submit: Callable[..., Done],
    vertex: VertexEmulator,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runner.released.clear()
    assert submit("pets", "pets-1").status == 0
    monkeypatch.setattr(listing, "PAGE_ITEMS", 1)
    later = vertex.job("pets-1")
    later.name = later.name.replace("pets-1", "pets-3")
    later.create_time.seconds += 60
    vertex.store.add(later)
    assert "The job pets-1 of the same pipeline" in submit("pets", "pets-2").error


def test_of_two_at_the_same_moment_one_is_taken(
    vertex: VertexEmulator,
    runner: Runner,
    specs: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two processes both see that nothing is active before either makes its job."""
    runner.released.clear()
    both = threading.Barrier(2, timeout=100)
    asked = iter([both.wait, both.wait])

    def page(*arguments: object) -> tuple[list, str]:
        found = listing.page(*arguments)
        next(asked, lambda: 0)()
        return found

    monkeypatch.setattr(pipeline_jobs, "page", page)
    start = partial(
        subprocess.Popen,
        cwd=REPOSITORY,
        env={**os.environ, **vertex.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    command = [python(), "-m", "pipeline", "submit", "--spec", specs["pets"], "--job-id"]
    processes = {name: start([*command, name]) for name in ("pets-1", "pets-2")}
    errors = {name: process.communicate(timeout=200)[1] for name, process in processes.items()}
    [taken] = [name for name, process in processes.items() if process.returncode == 0]
    [refused] = [name for name, process in processes.items() if process.returncode == 2]
    assert errors[taken] == ""
    assert f"The job {taken} of the same pipeline is active" in errors[refused]
    assert f"The job {refused} was cancelled." in errors[refused]
    assert vertex.wait(refused).state == State.PIPELINE_STATE_CANCELLED
    assert states(vertex)[taken] == State.PIPELINE_STATE_RUNNING


def test_a_job_whose_order_stays_unknown_is_named(
    submit: Callable[..., Done], vertex: VertexEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = pipeline_jobs.check_job

    def check_and_break(job: object) -> object:
        vertex.fault("ListPipelineJobs", "PERMISSION_DENIED", times=100)
        return started(job)

    monkeypatch.setattr(pipeline_jobs, "check_job", check_and_break)
    done = submit("pets", "pets-1")
    assert done.status == 2
    assert "refuses this account" in done.error
    assert "The job was made, and goes on: https://" in done.error
    assert len(vertex.jobs) == 1
