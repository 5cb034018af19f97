"""Pipeline jobs of Vertex AI's emulator, as google-cloud-aiplatform submits them."""

import json
import operator

import pytest
from google.cloud import aiplatform
from google.cloud.aiplatform_v1 import types
from kfp import compiler, dsl

from tests.emulators.child import Refused
from tests.emulators.submitting import IMAGE, pipeline_spec, submit, write_job
from tests.emulators.vertex.pipeline_jobs import BILLING

State = types.PipelineState
TaskState = types.PipelineTaskDetail.State


@pytest.fixture
def submitted(either_cloud, bucket, tmp_path):
    """Submits a job under an id, with changes, and returns its resource name."""

    def submit_job(job_id: str = "pets-1", spec: dict | None = None, **options) -> str:
        path = write_job(tmp_path, spec or pipeline_spec())
        return either_cloud(submit, path, f"{bucket}/root", job_id, **options)

    return submit_job


def wait(name: str) -> tuple[str, list[tuple[str, str]]]:
    job = aiplatform.PipelineJob.get(name)
    job.wait()
    return job.state.name, [(task.task_name, task.state.name) for task in job.task_details]


def state(name: str) -> str:
    return aiplatform.PipelineJob.get(name).state.name


def failure(name: str) -> str:
    try:
        wait(name)
    except RuntimeError as error:
        return str(error)
    raise AssertionError("the job did not fail")


def cancel(name: str) -> None:
    aiplatform.PipelineJob.get(name).cancel()


def delete(name: str) -> None:
    aiplatform.PipelineJob.get(name).delete()


def names(filter: str | None = None, order_by: str | None = None) -> list[str]:
    return [job.name for job in aiplatform.PipelineJob.list(filter=filter, order_by=order_by)]


def test_job_that_succeeds(vertex, runner, either_cloud, submitted, bucket):
    name = submitted(labels={"owner": "ännchen"}, failure_policy="fast")
    assert name == f"{vertex.parent}/pipelineJobs/pets-1"
    tasks = [("pets", "SUCCEEDED"), ("First", "SUCCEEDED"), ("Second", "SUCCEEDED")]
    assert either_cloud(wait, name) == ("PIPELINE_STATE_SUCCEEDED", tasks)
    (job,) = runner.jobs
    assert job["labels"] == {"owner": "ännchen", BILLING: job["labels"][BILLING]}
    assert job["runtimeConfig"] == {
        "gcsOutputDirectory": f"{bucket}/root",
        "parameters": {"epochs": {"intValue": "3"}},
        "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
    }
    kept = vertex.job("pets-1")
    assert kept.pipeline_spec["deploymentSpec"]["executors"]["run"]["container"]["image"] == IMAGE
    assert kept.start_time.ToNanoseconds() <= kept.end_time.ToNanoseconds()


def test_job_of_kfp(runner, either_cloud, submitted, vertex, tmp_path):
    @dsl.component(base_image=IMAGE)
    def double(number: int) -> int:
        return 2 * number

    @dsl.pipeline(name="numbers")
    def numbers(number: int = 1, shown: bool = False):
        first = double(number=number)
        with dsl.If(operator.eq(shown, True)):  # == makes a condition of the channel
            double(number=first.output)

    compiler.Compiler().compile(numbers, str(tmp_path / "numbers.json"))
    spec = json.loads((tmp_path / "numbers.json").read_text())
    submitted(spec=spec, parameters={"number": 4})
    assert either_cloud(state, vertex.wait("pets-1").name) == "PIPELINE_STATE_SUCCEEDED"
    assert runner.jobs[0]["runtimeConfig"]["parameterValues"] == {"number": 4.0}


def test_job_that_fails(vertex, runner, either_cloud, submitted):
    runner.error = "Second: exit status 1"
    name = submitted()
    vertex.wait("pets-1")
    message = either_cloud(failure, name)
    assert "The DAG failed because some tasks failed. Second: exit status 1" in message
    states = [task.state for task in vertex.job("pets-1").job_detail.task_details]
    assert states == [TaskState.FAILED] * 3


def test_job_whose_runner_breaks(vertex, either_cloud, submitted):
    vertex.run_pipeline = lambda *arguments: 1 / 0
    name = submitted()
    vertex.wait("pets-1")
    assert "ZeroDivisionError" in either_cloud(failure, name)


def test_job_that_is_cancelled(vertex, runner, either_cloud, submitted):
    runner.released.clear()
    name = submitted()
    with pytest.raises(TimeoutError, match="pets-1 still runs after 0 s"):
        vertex.wait("pets-1", timeout=0)
    with pytest.raises(Refused, match="cancel it before it is deleted"):
        either_cloud(delete, name)
    either_cloud(cancel, name)
    vertex.wait("pets-1")
    assert either_cloud(state, name) == "PIPELINE_STATE_CANCELLED"
    with pytest.raises(Refused, match="PIPELINE_STATE_CANCELLED and cannot be cancelled"):
        either_cloud(cancel, name)


def test_job_that_is_deleted(vertex, either_cloud, submitted):
    vertex.operations.polls = 1
    name = submitted()
    vertex.wait("pets-1")
    either_cloud(delete, name)
    with pytest.raises(Refused, match="pets-1 is not found"):
        either_cloud(state, name)
    assert not vertex.jobs


def test_list(vertex, runner, either_cloud, submitted):
    for number in (1, 2, 3):
        submitted(f"pets-{number}", labels={"odd": str(number % 2)})
        vertex.wait(f"pets-{number}")
    runner.released.clear()
    submitted("cats-1")
    first = vertex.job("pets-1").create_time.ToJsonString()
    assert either_cloud(names) == ["cats-1", "pets-3", "pets-2", "pets-1"]
    assert either_cloud(names, order_by="create_time") == ["pets-1", "pets-2", "pets-3", "cats-1"]
    for filter, found in {
        'labels.odd="1"': ["pets-3", "pets-1"],
        "labels.odd:*": ["pets-3", "pets-2", "pets-1"],
        'state="PIPELINE_STATE_SUCCEEDED" AND labels.odd=0': ["pets-2"],
        'display_name="cats"': [],
        'pipeline_name="pets" AND state!="PIPELINE_STATE_SUCCEEDED"': ["cats-1"],
        'pipeline_name="cats"': [],
        'create_time>="2020-01-01T00:00:00Z" AND end_time<"2020-01-01T00:00:00.5Z"': [],
        f'create_time<="{first}"': ["pets-1"],
    }.items():
        assert either_cloud(names, filter) == found
    with pytest.raises(Refused, match="Invalid filter: PipelineJob has no field 'owner'"):
        either_cloud(names, "owner=me")
    with pytest.raises(Refused, match="'yesterday' is no time"):
        either_cloud(names, 'create_time>"yesterday"')


def listed_tasks() -> list[int]:
    found = aiplatform.PipelineJob.list()
    return [len(job.gca_resource.job_detail.task_details) for job in found]


def test_the_list_does_not_show_tasks(vertex, either_cloud, submitted):
    """As the service's reference has it: `jobDetail` is not available in the list view."""
    name = submitted()
    assert len(either_cloud(wait, name)[1]) == 3
    assert either_cloud(listed_tasks) == [0]


def test_pages(vertex, either_cloud, submitted, monkeypatch):
    monkeypatch.setattr("tests.emulators.vertex.listing.PAGE_ITEMS", 2)
    for number in (1, 2, 3):
        submitted(f"pets-{number}")
    assert either_cloud(names) == ["pets-3", "pets-2", "pets-1"]
    assert [request.method for request in vertex.requests][-2:] == ["ListPipelineJobs"] * 2


def test_taken_id(vertex, either_cloud, submitted):
    name = submitted()
    with pytest.raises(Refused, match=f"{name} already exists"):
        submitted()


def test_service_account(gcs, vertex, either_cloud, submitted):
    trainer = gcs.accounts.add("trainer").email
    submitted(service_account=trainer)
    assert vertex.job("pets-1").service_account == trainer
    locked = gcs.accounts.add("locked", permitted=False).email
    for email in (locked, "nobody@demo-project.iam.gserviceaccount.com"):
        with pytest.raises(Refused, match=f"act as service account {email}") as refused:
            submitted("pets-2", service_account=email)
        assert refused.value.kind in ("PermissionDenied", "Forbidden")
    assert len(vertex.jobs) == 1


@pytest.mark.parametrize(
    ("code", "message"), [("UNAVAILABLE", "503"), ("RESOURCE_EXHAUSTED", "429")]
)
def test_faults_that_the_client_outlasts(vertex, either_cloud, submitted, code, message):
    name = submitted()
    vertex.wait("pets-1")
    vertex.fault("GetPipelineJob", code)
    assert either_cloud(state, name) == "PIPELINE_STATE_SUCCEEDED"
    gets = [request.status for request in vertex.requests if request.method == "GetPipelineJob"]
    assert gets[:2] == [code, "OK"]
    # It does not try again to create a job, for there may be one now.
    vertex.fault("CreatePipelineJob", code, message="Quota exceeded.", retry_seconds=7)
    with pytest.raises(Refused, match=f"{message} .*Quota exceeded."):
        submitted("pets-2")
    assert len(vertex.jobs) == 1


def test_fault_that_the_client_raises(vertex, either_cloud, submitted):
    name = submitted()
    vertex.fault("*", "PERMISSION_DENIED", times=2)
    for _ in range(2):
        with pytest.raises(Refused, match="403 .*The service is told to fail."):
            either_cloud(state, name)
    vertex.wait("pets-1")
    assert either_cloud(state, name) == "PIPELINE_STATE_SUCCEEDED"


def test_lost_answer(vertex, submitted):
    vertex.lose_answer("CreatePipelineJob")
    with pytest.raises((Refused, OSError), match="Socket closed|Connection aborted"):
        submitted()
    assert vertex.wait("pets-1").state == State.PIPELINE_STATE_SUCCEEDED
    with pytest.raises(Refused, match="already exists"):
        submitted()


def test_unknown_method(vertex, either_cloud):
    with pytest.raises(Refused, match="Method not found|was not found on this server"):
        either_cloud(schedules)


def schedules() -> list:
    return aiplatform.PipelineJobSchedule.list()


def test_missing_parameter(submitted):
    with pytest.raises(Refused, match="the parameter 'epochs' has no value and no default"):
        submitted(parameters={})
