"""`python -m pipeline cancel`, of jobs on an emulated Vertex AI."""

from collections.abc import Callable
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1 import types

from pipeline.vertex.names import DATAFLOW_LABEL, DATAFLOW_LABEL_ARGUMENT
from tests.emulators.child import ChildProcess
from tests.emulators.dataflow_jobs import begin
from tests.emulators.submitting import IMAGE, Runner, pipeline_spec
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.verbs import Done, job_file, verb

PARENT = "projects/demo-project/locations/us-central1"


@pytest.fixture
def cancel(
    child: ChildProcess, vertex: VertexEmulator, runner: Runner, tmp_path: Path
) -> Callable[..., Done]:
    """Cancels `pets-1`, which runs, or another job."""
    runner.released.clear()
    spec = job_file(tmp_path, pipeline_spec())
    arguments = ("--spec", spec, "--parameter", "epochs=3", "--job-id", "pets-1")
    assert child(verb, "submit", *arguments).status == 0
    return lambda job="pets-1", **settings: child(verb, "cancel", job, **settings)


def train(display_name: str) -> str:
    """Begins a training that would take long, as TFX's Trainer does."""
    from google.cloud import aiplatform_v1

    address = {"api_endpoint": "us-central1-aiplatform.googleapis.com"}
    client = aiplatform_v1.JobServiceClient(client_options=address)
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {
            "image_uri": IMAGE,
            "command": ["python", "-c", "import time; time.sleep(600)"],
        },
    }
    job = {"display_name": display_name, "job_spec": {"worker_pool_specs": [pool]}}
    return client.create_custom_job(parent=PARENT, custom_job=job).name


def trainings(vertex: VertexEmulator) -> list[str]:
    """States of the trainings, the oldest first."""
    return [types.JobState(job.state).name for job in vertex.custom_jobs]


def test_the_job_and_its_own_training_end(
    child: ChildProcess, vertex: VertexEmulator, runner: Runner, tmp_path: Path
) -> None:
    earlier = child(train, "pets-trainer")
    runner.released.clear()
    spec = job_file(tmp_path, pipeline_spec())
    arguments = ("--spec", spec, "--parameter", "epochs=3", "--job-id", "pets-1")
    assert child(verb, "submit", *arguments).status == 0
    own, other = child(train, "pets-trainer"), child(train, "cats-trainer")
    vertex.fault("CancelPipelineJob", "UNAVAILABLE", times=2)
    vertex.fault("ListCustomJobs", "UNAVAILABLE")
    done = child(verb, "cancel", f"{PARENT}/pipelineJobs/pets-1", google_cloud_project="")
    assert done.status == 0, done.error
    assert done.output.startswith("The job pets-1 has ended: cancelled.\n")
    assert own in done.output
    assert earlier not in done.output
    assert other not in done.output
    assert vertex.job("pets-1").state == types.PipelineState.PIPELINE_STATE_CANCELLED
    ended = vertex.wait(own.rpartition("/")[2], kind="customJobs")
    assert ended.state == types.JobState.JOB_STATE_CANCELLED
    assert trainings(vertex).count("JOB_STATE_CANCELLED") == 1
    # A second time there is nothing left, and a training of a later job is not touched.
    child(train, "pets-trainer")
    again = child(verb, "cancel", "pets-1")
    assert (again.status, again.output) == (0, "The job pets-1 has ended: cancelled.\n")


def test_a_job_that_has_ended_stays_as_it_is(
    cancel: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    runner.released.set()
    vertex.wait("pets-1")
    done = cancel()
    assert (done.status, done.output) == (0, "The job pets-1 has ended: succeeded.\n")
    assert not any(request.method == "CancelPipelineJob" for request in vertex.requests)


def test_a_job_that_ends_before_it_can_be_cancelled(
    cancel: Callable[..., Done], vertex: VertexEmulator, runner: Runner
) -> None:
    class Ending(list):
        """Lets the job end between the question for its state and the request to cancel it."""

        def append(self, request: object) -> None:
            if request.method == "CancelPipelineJob":
                runner.released.set()
                vertex.wait("pets-1")
            super().append(request)

    vertex.journal.requests = Ending()
    done = cancel()
    assert (done.status, done.output) == (0, "The job pets-1 has ended: succeeded.\n")


def test_a_job_that_is_not_there(cancel: Callable[..., Done]) -> None:
    done = cancel("pets-2")
    assert (done.status, done.error) == (0, "")
    assert "has no job pets-2: nothing to cancel." in done.output


@pytest.mark.parametrize(
    ("job", "settings", "message"),
    [
        ("Pets", {}, "'Pets' cannot be the id of a job"),
        ("pets-1", {"google_cloud_project": ""}, "GOOGLE_CLOUD_PROJECT is not set"),
    ],
)
def test_a_mistake(
    cancel: Callable[..., Done], job: str, settings: dict[str, str], message: str
) -> None:
    done = cancel(job, **settings)
    assert (done.status, done.output) == (2, "")
    assert message in done.error


@pytest.fixture
def dataflow_spec(tmp_path: Path) -> str:
    """A job whose steps run on Dataflow."""
    spec = pipeline_spec()
    container = spec["deploymentSpec"]["executors"]["run"]["container"]
    container["args"] = ["--runner=DataflowRunner", DATAFLOW_LABEL_ARGUMENT]
    return job_file(tmp_path, spec)


@pytest.fixture
def cancel_with_dataflow(
    child: ChildProcess, vertex: VertexEmulator, runner: Runner, dataflow_spec: str
) -> Callable[..., Done]:
    """Cancels `pets-1`, which runs and whose steps run on Dataflow."""
    runner.released.clear()
    arguments = ("--spec", dataflow_spec, "--parameter", "epochs=3", "--job-id", "pets-1")
    assert child(verb, "submit", *arguments).status == 0
    return lambda **settings: child(verb, "cancel", "pets-1", **settings)


def test_the_jobs_own_dataflow_jobs_end_and_no_others(
    child: ChildProcess, vertex: VertexEmulator, cancel_with_dataflow: Callable[..., Done]
) -> None:
    own = [child(begin, f"own-{number}", {DATAFLOW_LABEL: "pets-1"}) for number in range(60)]
    others = [child(begin, "other", {DATAFLOW_LABEL: "pets-2"}), child(begin, "nobodys", {})]
    vertex.dataflow.finish(own[0])
    vertex.fault("ListJobs", "UNAVAILABLE")
    vertex.fault("UpdateJob", "UNAVAILABLE", times=2)
    done = cancel_with_dataflow()
    assert done.status == 0, done.error
    told = {f"Cancelled its Dataflow job {job}" for job in own[1:]}
    assert set(done.output.splitlines()) == {"The job pets-1 has ended: cancelled.", *told}
    vertex.dataflow.settle()
    assert {vertex.dataflow.state(job) for job in own[1:]} == {"JOB_STATE_CANCELLED"}
    assert {vertex.dataflow.state(job) for job in others} == {"JOB_STATE_RUNNING"}
    again = cancel_with_dataflow()
    assert (again.status, again.output) == (0, "The job pets-1 has ended: cancelled.\n")


def test_a_dataflow_job_that_ends_before_it_can_be_cancelled(
    child: ChildProcess, vertex: VertexEmulator, cancel_with_dataflow: Callable[..., Done]
) -> None:
    own = child(begin, "own", {DATAFLOW_LABEL: "pets-1"})

    class Ending(list):
        """Lets the Dataflow job end before the request to cancel it is done."""

        def append(self, request: object) -> None:
            if request.method == "UpdateJob":
                vertex.dataflow.finish(own)
            super().append(request)

    vertex.journal.requests = Ending()
    done = cancel_with_dataflow()
    assert (done.status, done.output) == (0, "The job pets-1 has ended: cancelled.\n")


def test_dataflow_jobs_that_a_list_lacks_are_not_forgotten(
    vertex: VertexEmulator, cancel_with_dataflow: Callable[..., Done]
) -> None:
    vertex.dataflow.silent = ["us-central1"]
    done = cancel_with_dataflow()
    assert done.status == 1
    assert "Dataflow does not answer for us-central1; try again later." in done.error
    assert "Cancel it again to be sure: https://" in done.error


def test_an_account_that_may_not_cancel_on_dataflow(
    child: ChildProcess, vertex: VertexEmulator, cancel_with_dataflow: Callable[..., Done]
) -> None:
    child(begin, "own", {DATAFLOW_LABEL: "pets-1"})
    vertex.fault("UpdateJob", "PERMISSION_DENIED", times=100)
    done = cancel_with_dataflow()
    assert done.status == 1
    assert "Dataflow in demo-project, us-central1, refuses this account" in done.error
    assert "it needs roles/dataflow.developer" in done.error


def test_dataflow_is_asked_nothing_for_a_job_that_does_not_use_it(
    cancel: Callable[..., Done], vertex: VertexEmulator
) -> None:
    assert cancel().status == 0
    assert not any(request.method == "ListJobs" for request in vertex.requests)


@pytest.mark.parametrize("method", ["CancelPipelineJob", "ListCustomJobs"])
def test_an_account_that_may_not(
    cancel: Callable[..., Done], vertex: VertexEmulator, method: str
) -> None:
    vertex.fault(method, "PERMISSION_DENIED", times=100)
    done = cancel()
    assert done.status == 1
    assert "refuses this account" in done.error
    assert "Cancel it again to be sure: https://" in done.error
