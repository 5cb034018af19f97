"""JobService: the custom jobs of Vertex AI Training."""

import random
import threading
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from .custom_job_specs import check_custom_job
from .jobs import Jobs, cancel_job, delete_job
from .keys_and_networks import check_key, check_network
from .listing import page
from .methods import AIPLATFORM, METHODS
from .replicas import replicas_of, run_replicas

if TYPE_CHECKING:
    from .emulator import VertexEmulator

KIND = "customJobs"
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
    check_key(vertex, job)
    check_network(job.job_spec.network)
    vertex.check_acts_as(job.job_spec.service_account)
    job.name = f"{vertex.parent}/{KIND}/{random.SystemRandom().getrandbits(62)}"
    return CUSTOM_JOBS.create(vertex, job)


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
    return cancel_job(vertex, request)


@_register("DELETE", _JOB, types.DeleteCustomJobRequest)
def delete_custom_job(vertex: "VertexEmulator", request) -> Operation:
    return delete_job(vertex, request, "The CustomJob {name} runs: cancel it first.")


def _run(vertex: "VertexEmulator", job: Message, stop: threading.Event) -> Status | None:
    job_id = job.name.rpartition("/")[2]
    environment = {
        **vertex.job_environment,
        "CLOUD_ML_PROJECT_ID": vertex.project,
        "CLOUD_ML_JOB_ID": job_id,
    }
    if folder := job.job_spec.base_output_directory.output_uri_prefix.rstrip("/"):
        environment.update({name: f"{folder}/{under}/" for name, under in FOLDERS.items()})
    try:
        logs = vertex.folder / "logs" / job_id
        error = run_replicas(replicas_of(job.job_spec), environment, logs, stop)
    except Exception as failure:
        error = f"The emulator failed to run the job: {failure!r}"
    return Status(code=code_pb2.INVALID_ARGUMENT, message=error) if error else None


CUSTOM_JOBS = Jobs(KIND, _run)
