"""The jobs of Vertex Training that a pipeline job's Trainer began."""

import json

from google.api_core.exceptions import FailedPrecondition
from google.cloud import aiplatform_v1 as vertex

from components.google_cloud import explained, retrying
from pipeline.vertex.jobs import ROLES, Vertex

_ENDED = (
    vertex.JobState.JOB_STATE_SUCCEEDED,
    vertex.JobState.JOB_STATE_FAILED,
    vertex.JobState.JOB_STATE_CANCELLED,
    vertex.JobState.JOB_STATE_EXPIRED,
)


def cancel_training(cloud: Vertex, job: vertex.PipelineJob) -> list[str]:
    """Cancel what goes on, and costs, when the Trainer that waits for it is cancelled.

    Args:
        cloud: where the job is.
        job: has ended. What was made after its end is another one's, by the same display name.

    Returns:
        The resource names of what was cancelled.

    Raises:
        CloudError: it could not be.
    """
    name = json.dumps(f"{job.pipeline_spec['pipelineInfo']['name']}-trainer", ensure_ascii=False)
    terms = [
        f"display_name={name}",
        f'create_time>="{job.create_time.rfc3339()}"',
        f'create_time<="{job.end_time.rfc3339()}"',
        *(f'state!="{vertex.JobState(state).name}"' for state in _ENDED),
    ]
    request = vertex.ListCustomJobsRequest(parent=cloud.parent, filter=" AND ".join(terms))
    with explained(cloud.what, ROLES):
        client = vertex.JobServiceClient(client_options=cloud.options)
        found = retrying()(lambda: [job.name for job in client.list_custom_jobs(request)])
        return [name for name in found if _cancel(client, name)]


def _cancel(client: vertex.JobServiceClient, name: str) -> bool:
    """Tell whether it was still active."""
    try:
        retrying()(client.cancel_custom_job, name=name)
    except FailedPrecondition:
        if client.get_custom_job(name=name).state not in _ENDED:
            raise
        return False
    return True
