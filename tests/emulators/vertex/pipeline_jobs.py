"""PipelineService: the jobs of compiled pipelines."""

import random
import threading
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from .jobs import Jobs, cancel_job, delete_job
from .keys_and_networks import check_key, check_network
from .listing import page
from .methods import AIPLATFORM, METHODS
from .specs import check_job, check_job_id

if TYPE_CHECKING:
    from .emulator import VertexEmulator

KIND = "pipelineJobs"
BILLING = "vertex-ai-pipelines-run-billing-id"
ARTIFACTS = "metadataStores/default/artifacts"
FILTERS = {"pipeline_name": "pipeline_spec.pipelineInfo.name"}
State = types.PipelineState
TaskState = types.PipelineTaskDetail.State
TASK_ENDED = {
    TaskState.SUCCEEDED,
    TaskState.FAILED,
    TaskState.CANCELLED,
    TaskState.SKIPPED,
    TaskState.NOT_TRIGGERED,
}

# By output, its artifacts in the form of their JSON.
Outputs = Mapping[str, list[Mapping[str, Any]]]
OnChange = Callable[..., None]
RunPipeline = Callable[[dict, OnChange, threading.Event], str | None]

_register = partial(METHODS.add, f"{AIPLATFORM}.PipelineService")
_JOBS = "/v1/{parent=projects/*/locations/*}/pipelineJobs"
_JOB = "/v1/{name=projects/*/locations/*/pipelineJobs/*}"


@_register("POST", _JOBS, types.CreatePipelineJobRequest, body="pipeline_job")
def create_pipeline_job(vertex: "VertexEmulator", request) -> Message:
    job = request.pipeline_job
    spec = check_job(job)
    job_id = request.pipeline_job_id or f"{spec.pipeline_info.name}-{uuid.uuid4().hex[:12]}"
    check_job_id(job_id)
    check_key(vertex, job)
    check_network(job.network)
    vertex.check_acts_as(job.service_account)
    job.name = f"{vertex.canonical(request.parent)}/{KIND}/{job_id}"
    job.labels[BILLING] = str(random.SystemRandom().getrandbits(62))
    return PIPELINE_JOBS.create(vertex, job)


@_register("GET", _JOB, types.GetPipelineJobRequest)
def get_pipeline_job(vertex: "VertexEmulator", request) -> Message:
    return vertex.store.find(vertex.canonical(request.name))


@_register("GET", _JOBS, types.ListPipelineJobsRequest)
def list_pipeline_jobs(vertex: "VertexEmulator", request) -> Message:
    jobs = vertex.store.of_kind(KIND, vertex.canonical(request.parent))
    found, token = page(jobs, request, types.PipelineJob.pb(), FILTERS)
    for job in found:
        job.ClearField("job_detail")  # which the list does not show
    return types.ListPipelineJobsResponse.pb()(pipeline_jobs=found, next_page_token=token)


@_register("POST", f"{_JOB}:cancel", types.CancelPipelineJobRequest, body="*")
def cancel_pipeline_job(vertex: "VertexEmulator", request) -> Message:
    return cancel_job(vertex, request)


@_register("DELETE", _JOB, types.DeletePipelineJobRequest)
def delete_pipeline_job(vertex: "VertexEmulator", request) -> Operation:
    refusal = "The PipelineJob {name} is in state {state}: cancel it before it is deleted."
    return delete_job(vertex, request, refusal)


def _set_task(
    job: Message, task: str, state: int, error: str = "", outputs: Outputs | None = None
) -> None:
    details = job.job_detail.task_details
    detail = next((detail for detail in details if detail.task_name == task), None)
    if detail is None:
        detail = details.add(task_id=len(details) + 1, task_name=task)
        if len(details) > 1:
            detail.parent_task_id = details[0].task_id
        detail.create_time.GetCurrentTime()
    detail.state = state
    status = detail.pipeline_task_status.add(state=state)
    status.update_time.GetCurrentTime()
    if state == TaskState.RUNNING:
        detail.start_time.GetCurrentTime()
    if state in TASK_ENDED:
        detail.end_time.GetCurrentTime()
    if error:
        detail.error.code = code_pb2.FAILED_PRECONDITION
        detail.error.message = error
        status.error.CopyFrom(detail.error)
    for key, artifacts in (outputs or {}).items():
        for artifact in artifacts:
            put_out = detail.outputs[key].artifacts.add()
            json_format.ParseDict(artifact, put_out)
            number = put_out.name.rpartition("/")[2]
            put_out.name = f"{job.name.split(f'/{KIND}/')[0]}/{ARTIFACTS}/{number}"
            put_out.display_name = key
            put_out.state = types.Artifact.State.LIVE
            put_out.create_time.GetCurrentTime()


def _begin_tasks(job: Message) -> None:
    spec = job.pipeline_spec
    # The first is the task of the whole graph, under which the others are.
    _set_task(job, spec["pipelineInfo"]["name"], TaskState.RUNNING)
    for task in sorted(spec["root"]["dag"]["tasks"]):
        _set_task(job, task, TaskState.PENDING)


def _end_tasks(job: Message) -> None:
    task_state = TaskState[State(job.state).name.removeprefix("PIPELINE_STATE_")]
    for number, detail in enumerate(list(job.job_detail.task_details)):
        if detail.state not in TASK_ENDED:
            never_ran = number > 0 and task_state == TaskState.FAILED
            _set_task(job, detail.task_name, TaskState.NOT_TRIGGERED if never_ran else task_state)


def _run(vertex: "VertexEmulator", job: Message, stop: threading.Event) -> Status | None:
    def on_change(task: str, state: str, error: str = "", outputs: Outputs | None = None) -> None:
        vertex.store.change(
            job.name, lambda job: _set_task(job, task, TaskState[state], error, outputs)
        )

    try:
        error = vertex.run_pipeline(json_format.MessageToDict(job), on_change, stop)
    except Exception as failure:
        error = f"The runner raised {failure!r}"
    message = f"The DAG failed because some tasks failed. {error}"
    return Status(code=code_pb2.FAILED_PRECONDITION, message=message) if error else None


PIPELINE_JOBS = Jobs(KIND, _run, _begin_tasks, _end_tasks)
