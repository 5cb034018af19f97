"""What a pipeline job is called, also by the Dataflow jobs that its steps begin."""

import re

from pipeline.configs import Settings

# The label of a Dataflow job that tells whose it is.
DATAFLOW_LABEL = "vertex-pipeline-job"
# Beam's argument for it. In a container's arguments the service replaces this placeholder by the
# job's id, and Beam's arguments are of these.
DATAFLOW_LABEL_ARGUMENT = f"--labels={DATAFLOW_LABEL}={{{{$.pipeline_job_name}}}}"
LONGEST_LABEL = 63  # characters of a label's value
_JOB_ID = "[a-z][-a-z0-9]{0,127}"
_RESOURCE = re.compile(
    rf"projects/([^/]+)/locations/([a-z]+-[a-z]+[0-9]+)/pipelineJobs/({_JOB_ID})"
)


def check_job_id(text: str) -> str:
    """Return the text, which can be a job's id.

    Raises:
        ValueError: it cannot.
    """
    if not re.fullmatch(_JOB_ID, text):
        raise ValueError(
            f"{text!r} cannot be the id of a job, which has only a-z, 0-9 and -, a letter first, "
            "and 128 characters at most."
        )
    return text


def locate(text: str, settings: Settings) -> tuple[str, Settings]:
    """Where a job is that a user names.

    Args:
        text: the job's id, or its resource name, which says project and region as well.
        settings: name project and region otherwise.

    Returns:
        The job's id, and settings with its project and region.

    Raises:
        ValueError: it is neither.
    """
    if found := re.fullmatch(_RESOURCE, text):
        project, region, job_id = found.groups()
        place = {"google_cloud_project": project, "google_cloud_region": region}
        return job_id, settings.model_copy(update=place)
    return check_job_id(text), settings
