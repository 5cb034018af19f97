"""`python -m pipeline submit`, to an emulated Vertex AI."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1 import types

from pipeline.vertex.names import DATAFLOW_LABEL_ARGUMENT
from tests.conftest import REPOSITORY
from tests.emulators.child import ChildProcess
from tests.emulators.submitting import Runner, pipeline_spec
from tests.emulators.vertex import VertexEmulator
from tests.emulators.vertex.pipeline_jobs import BILLING
from tests.pipeline.vertex.conftest import KEY, NETWORK
from tests.pipeline.vertex.markdown_pages import shown
from tests.pipeline.vertex.verbs import Done, job_file, verb
from tests.warm.commands import python

State = types.PipelineState


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return job_file(tmp_path, pipeline_spec())


@pytest.fixture
def submit(child: ChildProcess, vertex: VertexEmulator, spec: str) -> Callable[..., Done]:
    return partial(child, verb, "submit", "--spec", spec)


def test_all_that_tfx_cannot_say(
    submit: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    done = submit(
        *("--parameter", "epochs=3", "--label", "team=vision", "--label", "tier=gold"),
        *("--no-cache", "--wait"),
        service_account=vertex.accounts.add("steps").email,
    )
    assert (done.status, done.error) == (0, "")
    [job] = vertex.jobs
    assert dict(job.labels) == {"team": "vision", "tier": "gold", BILLING: job.labels[BILLING]}
    assert job.service_account == "steps@demo-project.iam.gserviceaccount.com"
    assert job.runtime_config.parameters["epochs"].int_value == 3
    [run] = runner.jobs
    tasks = run["pipelineSpec"]["root"]["dag"]["tasks"]
    assert [task["cachingOptions"] for task in tasks.values()] == [{"enableCache": False}] * 2
    job_id = job.name.rpartition("/")[2]
    assert job_id.startswith("segformer-training-pipeline-2")
    assert f"/pipelines/runs/{job_id}?project=demo-project" in done.output
    for step in ("First", "Second"):
        assert f"{step} done" in done.output


def test_without_waiting(
    submit: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    runner.released.clear()
    done = submit("--parameter", "epochs=3")
    assert done.status == 0
    assert done.output.startswith("Submitted projects/demo-project/locations/us-central1/pipeline")
    [job] = vertex.jobs
    assert job.state in (State.PIPELINE_STATE_PENDING, State.PIPELINE_STATE_RUNNING)
    assert "cachingOptions" not in job.pipeline_spec["root"]["dag"]["tasks"]["First"]


def test_a_job_that_fails_is_told_with_the_steps_reason(
    submit: Callable[..., Done], runner: Runner
) -> None:
    runner.error = "the data are gone"
    done = submit("--parameter", "epochs=3", "--wait")
    assert done.status == 1
    assert "First failed: the data are gone" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "The job needs a value for epochs"),
        (["--parameter", "epoch=3"], "The job has no parameter epoch; did you mean epochs?"),
        (["--parameter", "epochs=many"], "Parameter epochs is 'many', but the job declares"),
        (["--parameter", "epochs"], "--parameter epochs is not of the form NAME=VALUE"),
        (["--parameter", "epochs=3", "--label", "Team=1"], "--label Team=1 is not of the form"),
        (["--spec", "nowhere.json"], "nowhere.json cannot be read"),
        (["--parameter", "epochs=3", "--job-id", "Pets"], "'Pets' cannot be the id of a job"),
        (["--parameter", "epochs=3", "--summary", "/dev/null"], "--summary needs --wait"),
    ],
)
def test_what_is_asked_wrongly_never_reaches_the_service(
    submit: Callable[..., Done], vertex: VertexEmulator, arguments: list[str], message: str
) -> None:
    done = submit(*arguments)
    assert (done.status, done.output) == (2, "")
    assert message in done.error
    assert vertex.requests == []


def test_a_project_must_be_set(submit: Callable[..., Done]) -> None:
    done = submit("--parameter", "epochs=3", google_cloud_project="")
    assert (done.status, done.error.split(";")[0]) == (2, "GOOGLE_CLOUD_PROJECT is not set")


def test_a_job_has_the_network_and_the_key_that_it_was_compiled_with(
    child: ChildProcess, vertex: VertexEmulator, spec: str
) -> None:
    path, settings = Path(spec), {"vpc_network": NETWORK, "encryption_key": KEY}
    arguments = ("submit", "--spec", spec, "--parameter", "epochs=3", "--job-id", "pets-1")
    for name, value in settings.items():
        refused = child(verb, *arguments, **{name: value})
        assert refused.status == 2
        assert f"{name.upper()} is {value}, and the job was compiled with none" in refused.error
    assert vertex.requests == []
    job = json.loads(path.read_text())
    path.write_text(json.dumps({**job, "network": NETWORK, "encryptionSpec": {"kmsKeyName": KEY}}))
    assert child(verb, *arguments, **settings).status == 0
    [made] = vertex.jobs
    assert (made.network, made.encryption_spec.kms_key_name) == (NETWORK, KEY)
    path.write_text(json.dumps(job))
    other = child(verb, *arguments)
    assert (other.status, "There is another job pets-1" in other.error) == (2, True)


def test_an_id_that_is_no_label_of_a_dataflow_job(
    child: ChildProcess, vertex: VertexEmulator, tmp_path: Path
) -> None:
    job, arguments = pipeline_spec(), ("--parameter", "epochs=3", "--job-id", "p" * 64)
    job["deploymentSpec"]["executors"]["run"]["container"]["args"] = [DATAFLOW_LABEL_ARGUMENT]
    done = child(verb, "submit", "--spec", job_file(tmp_path, job), *arguments)
    assert done.status == 2
    assert "has 64 characters, and is a label of its Dataflow jobs, which has 63" in done.error
    assert vertex.requests == []
    assert (
        child(verb, "submit", "--spec", job_file(tmp_path, pipeline_spec()), *arguments).status == 0
    )


def test_a_job_of_no_pipeline(child: ChildProcess, vertex: VertexEmulator, tmp_path: Path) -> None:
    done = child(
        verb,
        "submit",
        "--spec",
        job_file(tmp_path, {**pipeline_spec(), "pipelineInfo": {}}),
        "--parameter",
        "epochs=3",
    )
    assert done.status == 2
    assert "The job says of no pipeline that it is its" in done.error
    assert vertex.requests == []


def test_a_lost_answer_is_no_second_job(
    submit: Callable[..., Done], vertex: VertexEmulator
) -> None:
    vertex.lose_answer("CreatePipelineJob")
    assert submit("--parameter", "epochs=3").status == 0
    assert len(vertex.jobs) == 1


def test_a_repeated_submission_finds_its_job(
    submit: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    runner.released.clear()
    asked = ("--parameter", "epochs=3", "--job-id", "pets-7")
    first, second = submit(*asked), submit(*asked)
    runner.released.set()
    vertex.wait("pets-7")
    third = submit(*asked)
    assert [done.status for done in (first, second, third)] == [0, 0, 0]
    assert first.output == second.output == third.output
    assert "/pipelineJobs/pets-7\n" in first.output
    assert len(vertex.jobs) == 1


@pytest.mark.parametrize(
    "change", [("--parameter", "epochs=4"), ("--no-cache",), ("--label", "team=other")]
)
def test_an_id_of_another_job(
    submit: Callable[..., Done], vertex: VertexEmulator, change: tuple[str, ...]
) -> None:
    asked = ("--parameter", "epochs=3", "--job-id", "pets-7")
    assert submit(*asked).status == 0
    done = submit(*asked, *change)
    assert done.status == 2
    assert done.error.startswith(
        "There is another job pets-7, of other steps, parameters, labels, "
    )
    assert len(vertex.jobs) == 1


@pytest.mark.parametrize("code", ["RESOURCE_EXHAUSTED", "UNAVAILABLE"])
def test_a_busy_service_is_asked_again(
    submit: Callable[..., Done], vertex: VertexEmulator, code: str
) -> None:
    vertex.fault("CreatePipelineJob", code, times=2)
    vertex.fault("GetPipelineJob", code)
    assert submit("--parameter", "epochs=3", "--wait").status == 0
    assert len(vertex.jobs) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("UNAVAILABLE", "is busy or does not answer"),
        ("PERMISSION_DENIED", "refuses this account"),
        ("UNAUTHENTICATED", "does not accept the credentials"),
        ("INVALID_ARGUMENT", "refuses: The service is told to fail"),
    ],
)
def test_a_refusal_is_one_sentence(
    submit: Callable[..., Done], vertex: VertexEmulator, code: str, message: str
) -> None:
    vertex.fault("CreatePipelineJob", code, times=100)
    done = submit("--parameter", "epochs=3")
    assert done.status == 2
    *retries, sentence = done.error.splitlines()
    assert all(line.startswith("Retrying") for line in retries)
    assert sentence.startswith("Vertex AI in demo-project, us-central1,")
    assert message in sentence
    assert vertex.jobs == []


def test_an_account_that_may_not_act_as_the_other(submit: Callable[..., Done]) -> None:
    nobody = "nobody@demo-project.iam.gserviceaccount.com"
    done = submit("--parameter", "epochs=3", service_account=nobody)
    assert done.status == 2
    assert f"act as service account {nobody}" in done.error
    assert "roles/iam.serviceAccountUser" in done.error


def test_an_interrupted_wait_leaves_the_job_running(
    vertex: VertexEmulator, runner: Runner, spec: str, tmp_path: Path
) -> None:
    runner.released.clear()
    command = [python(), "-m", "pipeline", "submit", "--spec", spec, "--wait"]
    summary = tmp_path / "summary.md"
    with subprocess.Popen(
        [*command, "--parameter", "epochs=3", "--summary", str(summary)],
        cwd=REPOSITORY,
        env={**os.environ, **vertex.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # The first asks whether there is a job of this id.
        while [request.method for request in vertex.requests].count("GetPipelineJob") < 2:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.startswith("No longer waiting. The job goes on")
    assert shown(summary.read_text()).headings == ["No longer followed"]
    assert vertex.jobs[0].state == State.PIPELINE_STATE_RUNNING
