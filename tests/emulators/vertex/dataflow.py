"""Dataflow's jobs: created, listed, shown and cancelled; none of them processes anything."""

import random
import re
import threading
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.dataflow_v1beta3 import types
from google.protobuf.message import Message

from .errors import Refusal, invalid
from .labels import check_labels
from .methods import METHODS

if TYPE_CHECKING:
    from .emulator import VertexEmulator

State = types.JobState
Filter = types.ListJobsRequest.Filter
TERMINATED = {
    State.JOB_STATE_DONE,
    State.JOB_STATE_FAILED,
    State.JOB_STATE_CANCELLED,
    State.JOB_STATE_UPDATED,
    State.JOB_STATE_DRAINED,
}
PAGE_JOBS = 50
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")
_SUMMARY = {"id", "project_id", "name", "type", "current_state", "create_time", "location"}

# Registered for gRPC alone.
_register = partial(METHODS.add, "google.dataflow.v1beta3.JobsV1Beta3", "", "")


class DataflowJobs:
    """The jobs of a project and region, oldest first.

    Attributes:
        silent: Regional endpoints that do not answer, so that a list lacks their jobs.
    """

    def __init__(self) -> None:
        self.silent: list[str] = []
        self.lock = threading.RLock()
        self.jobs: dict[str, Message] = {}

    def find(self, job_id: str) -> Message:
        """A job by its id.

        Raises:
            Refusal: NOT_FOUND.
        """
        if job_id not in self.jobs:
            raise Refusal("NOT_FOUND", f"The workflow {job_id} could not be found.")
        return self.jobs[job_id]

    def state(self, job_id: str) -> str:
        """The name of a job's state, such as JOB_STATE_RUNNING."""
        return State(self.find(job_id).current_state).name

    def finish(self, job_id: str) -> None:
        """Lets a job come to its end, as one that has done its work."""
        with self.lock:
            self.find(job_id).current_state = State.JOB_STATE_DONE

    def settle(self) -> None:
        """Ends the jobs that are being cancelled, as each request does that comes after."""
        for job in self.jobs.values():
            if job.current_state == State.JOB_STATE_CANCELLING:
                job.current_state = State.JOB_STATE_CANCELLED


def _shown(job: Message, view: int) -> Message:
    """A copy with what a view shows: a summary has no labels."""
    shown = type(job).FromString(job.SerializeToString())
    if view not in (types.JobView.JOB_VIEW_ALL, types.JobView.JOB_VIEW_DESCRIPTION):
        for field, _ in shown.ListFields():
            if field.name not in _SUMMARY:
                shown.ClearField(field.name)
    return shown


@_register(types.CreateJobRequest)
def create_job(vertex: "VertexEmulator", request) -> Message:
    job = request.job
    if not _NAME.fullmatch(job.name):
        raise invalid(f"The workflow name '{job.name}' does not match {_NAME.pattern}.")
    check_labels(job.labels)
    with vertex.dataflow.lock:
        for other in vertex.dataflow.jobs.values():
            if other.name == job.name and other.current_state not in TERMINATED:
                return other
        job.create_time.GetCurrentTime()
        stamp = job.create_time.ToDatetime()
        job.id = f"{stamp:%Y-%m-%d_%H_%M_%S}-{random.SystemRandom().getrandbits(62)}"
        job.project_id, job.location = vertex.project, vertex.region
        job.current_state = State.JOB_STATE_RUNNING
        vertex.dataflow.jobs[job.id] = job
        return job


@_register(types.GetJobRequest)
def get_job(vertex: "VertexEmulator", request) -> Message:
    with vertex.dataflow.lock:
        vertex.dataflow.settle()
        return _shown(vertex.dataflow.find(request.job_id), request.view)


@_register(types.ListJobsRequest)
def list_jobs(vertex: "VertexEmulator", request) -> Message:
    with vertex.dataflow.lock:
        vertex.dataflow.settle()
        jobs = [
            _shown(job, types.JobView.JOB_VIEW_SUMMARY) for job in vertex.dataflow.jobs.values()
        ]
    active = [job for job in jobs if job.current_state not in TERMINATED]
    ended = [job for job in jobs if job.current_state in TERMINATED]
    chosen = {
        Filter.UNKNOWN: jobs[::-1],
        Filter.ALL: active + ended,
        Filter.TERMINATED: ended,
        Filter.ACTIVE: active,
    }[request.filter]
    if request.name:
        chosen = [job for job in chosen if job.name == request.name]
    if not re.fullmatch(r"\d*", request.page_token):
        raise invalid(f"The page token '{request.page_token}' is not valid.")
    start = int(request.page_token or 0)
    end = start + min(request.page_size or PAGE_JOBS, PAGE_JOBS)
    return types.ListJobsResponse.pb()(
        jobs=chosen[start:end],
        next_page_token=str(end) if end < len(chosen) else "",
        failed_location=[{"name": name} for name in vertex.dataflow.silent],
    )


@_register(types.UpdateJobRequest)
def update_job(vertex: "VertexEmulator", request) -> Message:
    wanted = State(request.job.requested_state).name
    with vertex.dataflow.lock:
        vertex.dataflow.settle()
        job = vertex.dataflow.find(request.job_id)
        if job.current_state in TERMINATED:
            raise Refusal(
                "FAILED_PRECONDITION", f"The workflow {job.id} has terminated; it stays as it is."
            )
        if wanted != "JOB_STATE_CANCELLED":
            raise invalid(f"The workflow {job.id} is a batch job, and cannot become {wanted}.")
        job.requested_state = request.job.requested_state
        job.current_state = State.JOB_STATE_CANCELLING
        return _shown(job, types.JobView.JOB_VIEW_ALL)
