"""The pipeline jobs of Vertex AI: makes, finds, follows and cancels them."""

import datetime
import json
import threading
from collections.abc import Callable

from google.api_core.exceptions import AlreadyExists, FailedPrecondition, NotFound
from google.cloud import aiplatform_v1 as vertex
from google.protobuf import json_format

from components.google_cloud import CloudError, explained, retrying
from pipeline.configs import Settings
from pipeline.jobs.states import Artifact, Outcome, Outputs, State, TaskState, readable

ROLES = "roles/aiplatform.user, and roles/iam.serviceAccountUser on SERVICE_ACCOUNT"
POLL_SECONDS = 5.0
_STATES = {
    vertex.PipelineState.PIPELINE_STATE_SUCCEEDED: State.SUCCEEDED,
    vertex.PipelineState.PIPELINE_STATE_FAILED: State.FAILED,
    vertex.PipelineState.PIPELINE_STATE_CANCELLED: State.CANCELLED,
}


class Vertex:
    """The pipeline jobs of the settings' project and region.

    Args:
        settings: name both.

    Raises:
        CloudError: no project is set, or there are no credentials.
    """

    def __init__(self, settings: Settings) -> None:
        project, region = settings.google_cloud_project, settings.google_cloud_region
        if not project:
            raise CloudError("GOOGLE_CLOUD_PROJECT is not set; name the project of the jobs.")
        self.place = f"{project}, {region}"
        self.what = f"Vertex AI in {self.place},"
        self.parent = f"projects/{project}/locations/{region}"
        # Each region has an address of its own.
        self.options = {"api_endpoint": f"{region}-aiplatform.googleapis.com"}
        with explained(self.what, ROLES):
            self._client = vertex.PipelineServiceClient(client_options=self.options)

    def reach(self) -> str:
        """Ask for something that a submission needs; return what was reached.

        Raises:
            CloudError: it does not answer, or not to this account.
        """
        request = vertex.ListPipelineJobsRequest(parent=self.parent, page_size=1)
        with explained(self.what, ROLES):
            retrying()(lambda: next(self._client.list_pipeline_jobs(request).pages))
        return f"{self.what.rstrip(',')} answers"

    def name(self, job_id: str) -> str:
        """Return the resource name of a job."""
        return f"{self.parent}/pipelineJobs/{job_id}"

    def link(self, name: str) -> str:
        """Where the console shows a job."""
        _, project, _, region, _, job_id = name.split("/")
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{region}/pipelines/runs/{job_id}"
            f"?project={project}"
        )

    def find(self, name: str) -> vertex.PipelineJob | None:
        """Return a job as it is now; None when there is none with this name.

        Raises:
            CloudError: it could not be asked for.
        """
        with explained(self.what, ROLES):
            try:
                return retrying()(self._client.get_pipeline_job, name=name)
            except NotFound:
                return None

    def create(self, job: vertex.PipelineJob, job_id: str) -> None:
        """Make a job, or find it made by a request whose answer was lost.

        Raises:
            CloudError: it was not taken.
        """

        def create() -> None:
            try:
                self._client.create_pipeline_job(
                    parent=self.parent, pipeline_job=job, pipeline_job_id=job_id
                )
            except AlreadyExists:
                if not same(job, self._client.get_pipeline_job(name=self.name(job_id))):
                    raise

        with explained(self.what, ROLES):
            retrying()(create)

    def active(self, pipeline: str) -> list[vertex.PipelineJob]:
        """Return the jobs of a pipeline that have not ended, the one that was made first, first.

        Raises:
            CloudError: they could not be asked for.
        """
        not_ended = [f'state!="{vertex.PipelineState(state).name}"' for state in _STATES]
        return self._listed(pipeline, not_ended)

    def names(self, pipeline: str) -> list[str]:
        """Return the resource names of a pipeline's jobs, the one that was made first, first.

        Of the jobs themselves the service's list does not hold the steps.

        Raises:
            CloudError: they could not be asked for.
        """
        return [job.name for job in self._listed(pipeline, [])]

    def _listed(self, pipeline: str, terms: list[str]) -> list[vertex.PipelineJob]:
        of_pipeline = f"pipeline_name={json.dumps(pipeline, ensure_ascii=False)}"
        request = vertex.ListPipelineJobsRequest(
            parent=self.parent, filter=" AND ".join([of_pipeline, *terms])
        )
        with explained(self.what, ROLES):
            jobs = retrying()(lambda: list(self._client.list_pipeline_jobs(request)))
        return sorted(jobs, key=lambda job: (job.create_time, job.name))

    def cancel(self, name: str) -> None:
        """Ask for the end of a job, which comes later; one that has ended stays as it is.

        Raises:
            CloudError: it could not be asked for.
        """
        with explained(self.what, ROLES):
            try:
                retrying()(self._client.cancel_pipeline_job, name=name)
            except FailedPrecondition:
                if self._client.get_pipeline_job(name=name).state not in _STATES:
                    raise

    def follow(
        self, name: str, on_change: Callable[[TaskState], None], stop: threading.Event
    ) -> Outcome | None:
        """Wait for the end of a job.

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
            with explained(self.what, ROLES):
                job = retrying()(self._client.get_pipeline_job, name=name)
            outcome = outcome_of(name, job)
            for task in outcome.tasks.values():
                if tasks.get(task.name) != task:
                    tasks[task.name] = task
                    on_change(task)
            if has_ended(job):
                return outcome
            if stop.wait(POLL_SECONDS):
                return None


def has_ended(job: vertex.PipelineJob) -> bool:
    """Tell whether a job will not change any more."""
    return job.state in _STATES


def outcome_of(name: str, job: vertex.PipelineJob) -> Outcome:
    """Return what has become of a job so far; its state is RUNNING until it has ended.

    Args:
        name: what it was asked for by.
        job: as the service gives it.
    """
    steps = job.pipeline_spec["root"]["dag"]["tasks"]
    tasks = [_task_state(detail) for detail in job.job_detail.task_details]
    ordered = sorted((task for task in tasks if task.name in steps), key=_begin)
    explained_by_a_step = any(task.error for task in ordered)
    said = [] if explained_by_a_step else filter(None, [job.error.message])
    state = _STATES.get(job.state, State.RUNNING)
    # The last task succeeds in any case, and the service may call the job by it.
    if state is State.SUCCEEDED and any(task.state is State.FAILED for task in ordered):
        state = State.FAILED
    return Outcome(name, state, {task.name: task for task in ordered}, tuple(said))


def parameters_of(job: vertex.PipelineJob) -> dict[str, str | float]:
    """Return the job's parameters, in whichever of the two forms it was submitted with."""
    config = json_format.MessageToDict(vertex.PipelineJob.pb(job).runtime_config)
    typed = config.get("parameters", {})
    numbers = {"intValue": int, "doubleValue": float, "stringValue": str}
    return {
        name: numbers[kind](value) for name, one in typed.items() for kind, value in one.items()
    } | config.get("parameterValues", {})


def same(asked: vertex.PipelineJob, found: vertex.PipelineJob) -> bool:
    """Tell whether a job is the one that was asked for; the service adds a label of its own."""
    given, kept = asked.runtime_config, found.runtime_config
    return (
        found.pipeline_spec == asked.pipeline_spec
        and found.network == asked.network
        and found.encryption_spec == asked.encryption_spec
        and kept.parameters == given.parameters
        and kept.parameter_values == given.parameter_values
        and dict(asked.labels).items() <= dict(found.labels).items()
    )


def _begin(task: TaskState) -> tuple[bool, datetime.datetime | None]:
    """Return the order in which steps ran, those that never did last."""
    return task.begin is None, task.begin


def _task_state(detail: vertex.PipelineTaskDetail) -> TaskState:
    name = detail.state.name
    return TaskState(
        name=detail.task_name,
        state=State[name] if name in State.__members__ else State.RUNNING,  # being cancelled
        begin=detail.start_time,
        end=detail.end_time,
        error=readable(detail.error.message) or None,
        outputs=Outputs(
            {
                key: [_artifact(artifact) for artifact in listed.artifacts]
                for key, listed in detail.outputs.items()
            }
        ),
    )


def _artifact(artifact: vertex.Artifact) -> Artifact:
    metadata = json_format.MessageToDict(vertex.Artifact.pb(artifact).metadata)
    return Artifact(artifact.name, artifact.uri, {"schemaTitle": artifact.schema_title}, metadata)
