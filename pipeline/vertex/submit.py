"""Submits a job to Vertex AI, with what `tfx run create` cannot say, and follows it."""

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import AlreadyExists
from google.cloud import aiplatform_v1 as vertex
from google.protobuf import json_format

from components.google_cloud import CloudError, explained, retrying
from pipeline.configs import Settings
from pipeline.rehearsal.states import Outcome, State, TaskState

ROLES = "roles/aiplatform.user, and roles/iam.serviceAccountUser on SERVICE_ACCOUNT"
POLL_SECONDS = 5.0
_STATES = {
    vertex.PipelineState.PIPELINE_STATE_SUCCEEDED: State.SUCCEEDED,
    vertex.PipelineState.PIPELINE_STATE_FAILED: State.FAILED,
    vertex.PipelineState.PIPELINE_STATE_CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True)
class Options:
    """What may differ from one submission to the next.

    Attributes:
        labels: of the job.
        caching: whether steps may be answered from what earlier runs put out.
        encryption_key: of Cloud KMS, projects/…/cryptoKeys/…
        network: VPC that the steps are peered with, projects/NUMBER/global/networks/NAME.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    caching: bool = True
    encryption_key: str | None = None
    network: str | None = None


class Vertex:
    """The pipeline jobs of the settings' project and region.

    Args:
        settings: name project, region, pipeline and service account.

    Raises:
        CloudError: no project is set, or there are no credentials.
    """

    def __init__(self, settings: Settings) -> None:
        project, region = settings.google_cloud_project, settings.google_cloud_region
        if not project:
            raise CloudError("GOOGLE_CLOUD_PROJECT is not set; name the project to submit to.")
        self._settings = settings
        self._what = f"Vertex AI in {project}, {region},"
        self._project = project
        self._parent = f"projects/{project}/locations/{region}"
        with explained(self._what, ROLES):
            self._client = vertex.PipelineServiceClient(
                client_options={"api_endpoint": f"{region}-aiplatform.googleapis.com"}
            )

    def reach(self) -> str:
        """Asks for something that a submission needs; returns what was reached.

        Raises:
            CloudError: it does not answer, or not to this account.
        """
        request = vertex.ListPipelineJobsRequest(parent=self._parent, page_size=1)
        with explained(self._what, ROLES):
            retrying()(lambda: next(self._client.list_pipeline_jobs(request).pages))
        return f"Vertex AI in {self._project}, {self._settings.google_cloud_region} answers"

    def submit(self, job: Mapping[str, Any], options: Options) -> str:
        """Submits a job.

        Args:
            job: a PipelineJob in the form of its JSON.
            options: the rest.

        Returns:
            The job's resource name.

        Raises:
            CloudError: it was not taken.
        """
        message = vertex.PipelineJob.pb()()
        json_format.ParseDict(job, message)
        submitted = vertex.PipelineJob.wrap(message)
        submitted.labels.update(options.labels)
        submitted.service_account = self._settings.service_account or ""
        submitted.network = options.network or ""
        if options.encryption_key:
            submitted.encryption_spec.kms_key_name = options.encryption_key
        if not options.caching:
            for task in submitted.pipeline_spec["root"]["dag"]["tasks"].values():
                task["cachingOptions"] = {"enableCache": False}
        now = datetime.datetime.now(datetime.UTC)
        # The id is ours: what is asked for again after a lost answer is found to be there.
        job_id = f"{self._settings.pipeline_name[:113]}-{now:%Y%m%d%H%M%S}"
        with explained(self._what, ROLES):
            retrying()(self._create, submitted, job_id)
        return f"{self._parent}/pipelineJobs/{job_id}"

    def _create(self, job: vertex.PipelineJob, job_id: str) -> None:
        try:
            self._client.create_pipeline_job(
                parent=self._parent, pipeline_job=job, pipeline_job_id=job_id
            )
        except AlreadyExists:
            found = self._client.get_pipeline_job(name=f"{self._parent}/pipelineJobs/{job_id}")
            if found.pipeline_spec != job.pipeline_spec or found.labels != job.labels:
                raise

    def link(self, name: str) -> str:
        """Where the console shows a job."""
        _, _, _, region, _, job_id = name.split("/")
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{region}/pipelines/runs/{job_id}"
            f"?project={self._project}"
        )

    def follow(
        self, name: str, on_change: Callable[[TaskState], None], stop: threading.Event
    ) -> Outcome | None:
        """Waits for the end of a job.

        Args:
            name: its resource name.
            on_change: called for every step whose state has changed.
            stop: when set, the job is left to itself.

        Returns:
            How it ended; None when stopped.

        Raises:
            CloudError: its state could not be asked for.
        """
        tasks: dict[str, TaskState] = {}
        while True:
            with explained(self._what, ROLES):
                job = retrying()(self._client.get_pipeline_job, name=name)
            steps = job.pipeline_spec["root"]["dag"]["tasks"]
            for detail in job.job_detail.task_details:
                task = _task_state(detail)
                if task.name in steps and tasks.get(task.name) != task:
                    tasks[task.name] = task
                    on_change(task)
            if job.state in _STATES:
                explained_by_a_step = any(task.error for task in tasks.values())
                said = [] if explained_by_a_step else filter(None, [job.error.message])
                return Outcome(name, _STATES[job.state], tasks, tuple(said))
            if stop.wait(POLL_SECONDS):
                return None


def _task_state(detail: vertex.PipelineTaskDetail) -> TaskState:
    name = detail.state.name
    return TaskState(
        name=detail.task_name,
        state=State[name] if name in State.__members__ else State.RUNNING,  # being cancelled
        begin=detail.start_time,
        end=detail.end_time,
        error=detail.error.message or None,
    )
