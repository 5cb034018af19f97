"""What the steps of one rehearsal have in common."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.rehearsal.job import Job
from pipeline.rehearsal.storage import Storage
from pipeline.rehearsal.store import Store

_PROJECT_NUMBER = "0"
LOCATION = f"projects/{_PROJECT_NUMBER}/locations/local"


@dataclass(frozen=True)
class Run:
    """One rehearsal.

    Attributes:
        run_id: the job's id.
        job: what is run.
        store: where it is recorded.
        storage: how gs:// is reached.
        environment: that of the steps' processes, containers' own variables aside.
        logs: folder of the steps' logs.
        use_cache: whether what earlier runs put out may be used.
        longest_pause: limit of the seconds between two attempts, whatever the job's policy is.
        stop: interrupts the rehearsal when set.
        location: the job's.
        uuid: the run's number.
    """

    run_id: str
    job: Job
    store: Store
    storage: Storage
    environment: Mapping[str, str]
    logs: Path
    use_cache: bool
    longest_pause: float
    stop: threading.Event
    location: str = LOCATION
    uuid: str = field(default_factory=lambda: new_uuid())

    @property
    def folder(self) -> str:
        """Where Vertex puts what the run writes."""
        return f"{self.job.root.rstrip('/')}/{_PROJECT_NUMBER}/{self.run_id}"

    def log(self, task: str) -> Path:
        """Return the file that all of a task's processes write to."""
        return self.logs / f"{task}.log"

    def names(self, task: str, task_uuid: str) -> dict[str, str]:
        """Return what the placeholders of the names of run and task stand for."""
        return {
            "pipeline_job_name": self.run_id,
            "pipeline_job_resource_name": self.resource_name,
            "pipeline_job_uuid": self.uuid,
            "pipeline_task_name": task,
            "pipeline_task_uuid": task_uuid,
            "pipeline_root": self.job.root,
        }

    @property
    def resource_name(self) -> str:
        """The job's."""
        return f"{self.location}/pipelineJobs/{self.run_id}"


def new_uuid() -> str:
    """Return a number as Vertex gives to tasks, runs and artifacts."""
    return str(random.SystemRandom().getrandbits(63))


def new_artifact_name() -> str:
    """Return a resource name for an artifact."""
    return f"{LOCATION}/metadataStores/default/artifacts/{new_uuid()}"
