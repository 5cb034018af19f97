"""The jobs of Dataflow that a pipeline job's steps began."""

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import aiplatform_v1 as vertex
from google.cloud import dataflow_v1beta3 as dataflow  # comes with Beam's extra gcp
from google.protobuf import json_format

from components.google_cloud import CloudError, explained, retrying
from pipeline.vertex.jobs import Vertex
from pipeline.vertex.names import DATAFLOW_LABEL, DATAFLOW_LABEL_ARGUMENT

ROLES = "roles/dataflow.developer"
_ENDED = (
    dataflow.JobState.JOB_STATE_DONE,
    dataflow.JobState.JOB_STATE_FAILED,
    dataflow.JobState.JOB_STATE_CANCELLED,
    dataflow.JobState.JOB_STATE_UPDATED,
    dataflow.JobState.JOB_STATE_DRAINED,
)


def begins_dataflow(job: vertex.PipelineJob) -> bool:
    """Tell whether steps of a job run on Dataflow, with the label that marks their jobs."""
    spec = json_format.MessageToJson(vertex.PipelineJob.pb(job).pipeline_spec)
    return DATAFLOW_LABEL_ARGUMENT in spec


def cancel_dataflow(cloud: Vertex, job: vertex.PipelineJob) -> list[str]:
    """Cancel what goes on, and costs, when the step that waits for it is cancelled.

    Args:
        cloud: where the job is.
        job: has ended, so that it begins nothing more.

    Returns:
        The ids of what was cancelled; nothing is asked of Dataflow for a job that does not use it.

    Raises:
        CloudError: it could not be.
    """
    if not begins_dataflow(job):
        return []
    with explained(f"Dataflow in {cloud.place},", ROLES):
        jobs = _Jobs(cloud)
        own = [job_id for job_id in jobs.active() if jobs.owner(job_id) == _id(job)]
        return [job_id for job_id in own if jobs.cancel(job_id)]


class _Jobs:
    """The Dataflow jobs of a project and region.

    Args:
        cloud: of the same ones.
    """

    def __init__(self, cloud: Vertex) -> None:
        _, project, _, region = cloud.parent.split("/")
        self._where = {"project_id": project, "location": region}
        self._client = dataflow.JobsV1Beta3Client()

    def active(self) -> list[str]:
        """Ids of the jobs that have not ended. The service's list has no labels to choose by.

        Raises:
            CloudError: the list lacks some.
        """
        active = dataflow.ListJobsRequest.Filter.ACTIVE
        request = dataflow.ListJobsRequest(**self._where, filter=active)
        pages = retrying()(lambda: list(self._client.list_jobs(request).pages))
        if silent := {failed.name for page in pages for failed in page.failed_location}:
            raise CloudError(
                f"Dataflow does not answer for {', '.join(sorted(silent))}; try again later."
            )
        return [job.id for page in pages for job in page.jobs]

    def owner(self, job_id: str) -> str:
        """Id of the pipeline job whose the job is; empty when none's."""
        return self._get(job_id).labels.get(DATAFLOW_LABEL, "")

    def cancel(self, job_id: str) -> bool:
        """Tell whether it was still active."""
        cancelled = dataflow.Job(requested_state=dataflow.JobState.JOB_STATE_CANCELLED)
        request = dataflow.UpdateJobRequest(**self._where, job_id=job_id, job=cancelled)
        try:
            retrying()(self._client.update_job, request)
        except GoogleAPICallError:  # which one an ended job is refused with is not documented
            if self._get(job_id).current_state not in _ENDED:
                raise
            return False
        return True

    def _get(self, job_id: str) -> dataflow.Job:
        view = dataflow.JobView.JOB_VIEW_DESCRIPTION
        request = dataflow.GetJobRequest(**self._where, job_id=job_id, view=view)
        return retrying()(self._client.get_job, request)


def _id(job: vertex.PipelineJob) -> str:
    return job.name.rpartition("/")[2]
