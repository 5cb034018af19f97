"""What happens to a job of any kind, from its creation to its deletion."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from google.cloud.aiplatform_v1 import types
from google.longrunning.operations_pb2 import Operation
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from .errors import Refusal

if TYPE_CHECKING:
    from .emulator import VertexEmulator

State = types.JobState  # the numbers of PipelineState are the same
ENDED = {State.JOB_STATE_SUCCEEDED, State.JOB_STATE_FAILED, State.JOB_STATE_CANCELLED}
INTERRUPTED = Status(code=code_pb2.ABORTED, message="The emulator ended while the job ran.")


def _leave(job: Message) -> None:
    """Changes nothing in a job."""


@dataclass(frozen=True)
class Jobs:
    """The jobs of one kind, which run in threads.

    Args:
        kind: The part of their names before the id, such as customJobs.
        run: Runs a job until it ends or the event is set; returns what went wrong, if anything.
        begin: Writes into a job what its start changes beside its state.
        end: Writes into a job what its end changes beside its state.
    """

    kind: str
    run: Callable[["VertexEmulator", Message, threading.Event], Status | None]
    begin: Callable[[Message], None] = _leave
    end: Callable[[Message], None] = _leave

    def create(self, vertex: "VertexEmulator", job: Message) -> Message:
        """Keeps a job that has its name, starts it and returns it.

        Raises:
            Refusal: ALREADY_EXISTS when there is one of its name.
        """
        job.state = State.JOB_STATE_PENDING
        job.create_time.GetCurrentTime()
        job.update_time.CopyFrom(job.create_time)
        vertex.store.add(job)
        vertex.running.start(job.name, partial(self._run, vertex, job.name))
        return job

    def fail_interrupted(self, vertex: "VertexEmulator") -> None:
        """Fails the jobs that ran when the emulator before this one ended."""
        for job in vertex.store.of_kind(self.kind):
            if job.state not in ENDED:
                vertex.store.change(job.name, partial(self._end, error=INTERRUPTED))

    def _run(self, vertex: "VertexEmulator", name: str, stop: threading.Event) -> None:
        job = vertex.store.change(name, self._begin)
        error = None if stop.is_set() else self.run(vertex, job, stop)
        if stop.is_set():
            cancelled = Status(
                code=code_pb2.CANCELLED, message=f"The {job.DESCRIPTOR.name} was cancelled."
            )
            error = INTERRUPTED if vertex.running.closing else cancelled
        vertex.store.change(name, partial(self._end, error=error))

    def _begin(self, job: Message) -> None:
        if job.state != State.JOB_STATE_CANCELLING:
            job.state = State.JOB_STATE_RUNNING
            job.start_time.GetCurrentTime()
            self.begin(job)

    def _end(self, job: Message, error: Status | None) -> None:
        if error is None:
            job.state = State.JOB_STATE_SUCCEEDED
        else:
            cancelled = error.code == code_pb2.CANCELLED
            job.state = State.JOB_STATE_CANCELLED if cancelled else State.JOB_STATE_FAILED
            job.error.CopyFrom(error)
        job.end_time.GetCurrentTime()
        self.end(job)


def _state_name(job: Message) -> str:
    states = job.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number
    return states[job.state].name


def cancel_job(vertex: "VertexEmulator", request: Message) -> Empty:
    """Asks the job that a request names to stop.

    Raises:
        Refusal: FAILED_PRECONDITION when it has ended; NOT_FOUND when there is none.
    """

    def cancel(job: Message) -> None:
        if job.state in ENDED:
            raise Refusal(
                "FAILED_PRECONDITION",
                f"The {job.DESCRIPTOR.name} {job.name} is in state {_state_name(job)} and cannot "
                "be cancelled.",
            )
        job.state = State.JOB_STATE_CANCELLING

    name = vertex.canonical(request.name)
    vertex.store.change(name, cancel)
    vertex.running.stop(name)
    return Empty()


def delete_job(vertex: "VertexEmulator", request: Message, refusal: str) -> Operation:
    """Forgets the job that a request names.

    Args:
        vertex: Where it is.
        request: Names it.
        refusal: What is said of a job, by {name} and {state}, that has not ended.

    Raises:
        Refusal: FAILED_PRECONDITION when it has not ended; NOT_FOUND when there is none.
    """
    name = vertex.canonical(request.name)
    job = vertex.store.find(name)
    if job.state not in ENDED:
        message = refusal.format(name=name, state=_state_name(job))
        raise Refusal("FAILED_PRECONDITION", message)
    vertex.store.remove(name)
    return vertex.operations.add(vertex.parent, Empty(), types.DeleteOperationMetadata.pb()())
