"""JobService: the custom jobs of Vertex AI Training."""

import random
import threading
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc import code_pb2

from .custom_job_specs import check_custom_job
from .errors import Refusal
from .listing import page
from .methods import AIPLATFORM, METHODS
from .replicas import replicas_of, run_replicas

if TYPE_CHECKING:
    from .emulator import VertexEmulator

KIND = "customJobs"
State = types.JobState
ENDED = {State.JOB_STATE_SUCCEEDED, State.JOB_STATE_FAILED, State.JOB_STATE_CANCELLED}
# Which folder under base_output_directory the training code is told of, by which variable.
FOLDERS = {
    "AIP_MODEL_DIR": "model",
    "AIP_CHECKPOINT_DIR": "checkpoints",
    "AIP_TENSORBOARD_LOG_DIR": "logs",
}

_register = partial(METHODS.add, f"{AIPLATFORM}.JobService")
_JOBS = "/v1/{parent=projects/*/locations/*}/customJobs"
_JOB = "/v1/{name=projects/*/locations/*/customJobs/*}"


@_register("POST", _JOBS, types.CreateCustomJobRequest, body="custom_job")
def create_custom_job(vertex: "VertexEmulator", request) -> Message:
    job = request.custom_job
    check_custom_job(job)
    vertex.check_acts_as(job.job_spec.service_account)
    job.name = f"{vertex.parent}/{KIND}/{random.SystemRandom().getrandbits(62)}"
    job.state = State.JOB_STATE_PENDING
    job.create_time.GetCurrentTime()
    job.update_time.CopyFrom(job.create_time)
    vertex.store.add(job)
    vertex.running.start(job.name, partial(_run, vertex, job.name))
    return job


@_register("GET", _JOB, types.GetCustomJobRequest)
def get_custom_job(vertex: "VertexEmulator", request) -> Message:
    return vertex.store.find(vertex.canonical(request.name))


@_register("GET", _JOBS, types.ListCustomJobsRequest)
def list_custom_jobs(vertex: "VertexEmulator", request) -> Message:
    jobs = vertex.store.of_kind(KIND, vertex.canonical(request.parent))
    found, token = page(jobs, request, types.CustomJob.pb())
    return types.ListCustomJobsResponse.pb()(custom_jobs=found, next_page_token=token)


@_register("POST", f"{_JOB}:cancel", types.CancelCustomJobRequest, body="*")
def cancel_custom_job(vertex: "VertexEmulator", request) -> Message:
    def cancel(job: Message) -> None:
        if job.state in ENDED:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The CustomJob {job.name} is in state {State(job.state).name} and cannot be "
                "cancelled.",
            )
        job.state = State.JOB_STATE_CANCELLING

    name = vertex.canonical(request.name)
    vertex.store.change(name, cancel)
    vertex.running.stop(name)
    return Empty()


@_register("DELETE", _JOB, types.DeleteCustomJobRequest)
def delete_custom_job(vertex: "VertexEmulator", request) -> Operation:
    name = vertex.canonical(request.name)
    if vertex.store.find(name).state not in ENDED:
        raise Refusal("FAILED_PRECONDITION", f"The CustomJob {name} runs: cancel it first.")
    vertex.store.remove(name)
    return vertex.operations.add(vertex.parent, Empty(), types.DeleteOperationMetadata.pb()())


def end(job: Message, error: str | None, stopped: str | None) -> None:
    """Writes down how a job has ended.

    Args:
        job: The job.
        error: What went wrong in it, if anything.
        stopped: Why it was stopped, if it was: "cancelled" or "interrupted".
    """
    if stopped == "cancelled":
        job.state = State.JOB_STATE_CANCELLED
        job.error.code, job.error.message = code_pb2.CANCELLED, "The CustomJob was cancelled."
    elif stopped:
        job.state = State.JOB_STATE_FAILED
        job.error.code = code_pb2.ABORTED
        job.error.message = "The emulator ended while the job ran."
    elif error:
        job.state = State.JOB_STATE_FAILED
        job.error.code, job.error.message = code_pb2.INVALID_ARGUMENT, error
    else:
        job.state = State.JOB_STATE_SUCCEEDED
    job.end_time.GetCurrentTime()


def _begin(job: Message) -> None:
    if job.state != State.JOB_STATE_CANCELLING:
        job.state = State.JOB_STATE_RUNNING
        job.start_time.GetCurrentTime()


def _run(vertex: "VertexEmulator", name: str, stop: threading.Event) -> None:
    job = vertex.store.change(name, _begin)
    job_id = name.rpartition("/")[2]
    environment = {
        **vertex.job_environment,
        "CLOUD_ML_PROJECT_ID": vertex.project,
        "CLOUD_ML_JOB_ID": job_id,
    }
    if folder := job.job_spec.base_output_directory.output_uri_prefix.rstrip("/"):
        environment.update({name: f"{folder}/{under}/" for name, under in FOLDERS.items()})
    error = None
    if not stop.is_set():
        try:
            logs = vertex.folder / "logs" / job_id
            error = run_replicas(replicas_of(job.job_spec), environment, logs, stop)
        except Exception as failure:
            error = f"The emulator failed to run the job: {failure!r}"
    stopped = ("interrupted" if vertex.running.closing else "cancelled") if stop.is_set() else None
    vertex.store.change(name, lambda job: end(job, error, stopped))
