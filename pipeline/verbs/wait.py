"""Waits for the end of a job on Vertex AI and tells its verdict."""

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail
from pipeline.verbs.following import Following, follow
from pipeline.verbs.options import AsJson, FailOnRefused, JobId, Summary


@with_settings(Settings)
def wait(
    settings: Settings,
    job_id: JobId,
    *,
    summary: Summary = None,
    fail_on_refused: FailOnRefused = False,
    as_json: AsJson = False,
) -> int:
    """Show the steps until the job ends, and what came of it.

    Returns:
        0 when the model was blessed or refused; 1 when the job failed, was cancelled or cannot be
        followed; 2 when it cannot be found; 3 when the model was refused and that was to be told
        so; 130 when interrupted, which leaves the job running.
    """
    from pipeline.vertex.names import locate

    try:
        job_id, settings = locate(job_id, settings)
    except ValueError as error:
        return fail(str(error), 2)

    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.vertex.jobs import Vertex

    try:
        cloud = Vertex(settings)
        name = cloud.name(job_id)
        if cloud.find(name) is None:
            return fail(f"{cloud.what} has no job {job_id}; `submit` prints the ids.", 2)
    except CloudError as error:
        return fail(str(error), 2)
    return follow(cloud, name, Following(summary, fail_on_refused, as_json))
