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
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc import code_pb2

from .errors import Refusal
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
ENDED = {
    State.PIPELINE_STATE_SUCCEEDED,
    State.PIPELINE_STATE_FAILED,
    State.PIPELINE_STATE_CANCELLED,
}
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
    vertex.check_acts_as(job.service_account)
    job.name = f"{vertex.canonical(request.parent)}/{KIND}/{job_id}"
    job.labels[BILLING] = str(random.SystemRandom().getrandbits(62))
    job.state = State.PIPELINE_STATE_PENDING
    job.create_time.GetCurrentTime()
    job.update_time.CopyFrom(job.create_time)
    vertex.store.add(job)
    vertex.running.start(job.name, partial(_run, vertex, job.name))
    return job


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
    def cancel(job: Message) -> None:
        if job.state in ENDED:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The PipelineJob {job.name} is in state {State(job.state).name} and cannot be "
                "cancelled.",
            )
        job.state = State.PIPELINE_STATE_CANCELLING

    name = vertex.canonical(request.name)
    vertex.store.change(name, cancel)
    vertex.running.stop(name)
    return Empty()


@_register("DELETE", _JOB, types.DeletePipelineJobRequest)
def delete_pipeline_job(vertex: "VertexEmulator", request) -> Operation:
    name = vertex.canonical(request.name)
    job = vertex.store.find(name)
    if job.state not in ENDED:
        raise Refusal(
            "FAILED_PRECONDITION",
            f"The PipelineJob {name} is in state {State(job.state).name}: cancel it before it is "
            "deleted.",
        )
    vertex.store.remove(name)
    return vertex.operations.add(vertex.parent, Empty(), types.DeleteOperationMetadata.pb()())


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


def _begin(job: Message) -> None:
    if job.state == State.PIPELINE_STATE_CANCELLING:
        return
    job.state = State.PIPELINE_STATE_RUNNING
    job.start_time.GetCurrentTime()
    spec = job.pipeline_spec
    # The first is the task of the whole graph, under which the others are.
    _set_task(job, spec["pipelineInfo"]["name"], TaskState.RUNNING)
    for task in sorted(spec["root"]["dag"]["tasks"]):
        _set_task(job, task, TaskState.PENDING)


def end(job: Message, error: str | None, stopped: str | None) -> None:
    """Writes down how a job has ended.

    Args:
        job: The job.
        error: What went wrong in it, if anything.
        stopped: Why it was stopped, if it was: "cancelled" or "interrupted".
    """
    if stopped == "cancelled":
        job.state, task_state = State.PIPELINE_STATE_CANCELLED, TaskState.CANCELLED
        job.error.code = code_pb2.CANCELLED
        job.error.message = "The PipelineJob was cancelled."
    elif stopped or error:
        job.state, task_state = State.PIPELINE_STATE_FAILED, TaskState.FAILED
        job.error.code = code_pb2.ABORTED if stopped else code_pb2.FAILED_PRECONDITION
        job.error.message = (
            "The emulator ended while the job ran."
            if stopped
            else f"The DAG failed because some tasks failed. {error}"
        )
    else:
        job.state, task_state = State.PIPELINE_STATE_SUCCEEDED, TaskState.SUCCEEDED
    job.end_time.GetCurrentTime()
    for number, detail in enumerate(list(job.job_detail.task_details)):
        if detail.state not in TASK_ENDED:
            never_ran = number > 0 and task_state == TaskState.FAILED
            _set_task(job, detail.task_name, TaskState.NOT_TRIGGERED if never_ran else task_state)


def _run(vertex: "VertexEmulator", name: str, stop: threading.Event) -> None:
    def on_change(task: str, state: str, error: str = "", outputs: Outputs | None = None) -> None:
        vertex.store.change(
            name, lambda job: _set_task(job, task, TaskState[state], error, outputs)
        )

    job = vertex.store.change(name, _begin)
    error = None
    if not stop.is_set():
        try:
            error = vertex.run_pipeline(json_format.MessageToDict(job), on_change, stop)
        except Exception as failure:
            error = f"The runner raised {failure!r}"
    stopped = ("interrupted" if vertex.running.closing else "cancelled") if stop.is_set() else None
    vertex.store.change(name, lambda job: end(job, error, stopped))
