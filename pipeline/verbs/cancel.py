"""Cancels a job on Vertex AI, with the training and the Dataflow jobs that it began."""

from components.flags import with_settings
from pipeline.configs import Settings
from pipeline.terminal import fail
from pipeline.verbs.options import JobId


@with_settings(Settings)
def cancel(settings: Settings, job_id: JobId) -> int:
    """Cancel, and wait for the end: from then on the job publishes nothing.

    Returns:
        0, also when there is nothing to cancel; 1 when it could not be cancelled, 2 for a mistake,
        130 when interrupted.
    """
    from pipeline.vertex.names import locate

    try:
        job_id, settings = locate(job_id, settings)
    except ValueError as error:
        return fail(str(error), 2)

    from rich.console import Console

    from components.google_cloud import CloudError  # Google's clients, which take long to import
    from pipeline.jobs.interruption import stopped_by_signals
    from pipeline.vertex.dataflow import cancel_dataflow
    from pipeline.vertex.jobs import Vertex, has_ended
    from pipeline.vertex.recorded import record_cancelled
    from pipeline.vertex.training import cancel_training

    console = Console(soft_wrap=True)
    try:
        cloud = Vertex(settings)
        name = cloud.name(job_id)
        job = cloud.find(name)
        if job is None:
            console.print(f"{cloud.what} has no job {job_id}: nothing to cancel.", markup=False)
            return 0
    except CloudError as error:
        return fail(str(error), 2)
    again = f"Cancel it again to be sure: {cloud.link(name)}"
    try:
        if not has_ended(job):
            cloud.cancel(name)
        with stopped_by_signals() as stop:
            outcome = cloud.follow(name, lambda task: None, stop)
        if outcome is None:
            return fail(f"No longer waiting for the job's end. {again}", 130)
        job = cloud.find(name) or job
        trainings = cancel_training(cloud, job)
        dataflow_jobs = cancel_dataflow(cloud, job)
    except CloudError as error:
        return fail(f"{error} {again}", 1)
    console.print(f"The job {job_id} has ended: {outcome.state.lower()}.", markup=False)
    if told := record_cancelled(job, outcome):
        console.print(f"MLflow: {told}", markup=False)
    for training in trainings:
        console.print(f"Cancelled its training, {training}", markup=False)
    for dataflow_job in dataflow_jobs:
        console.print(f"Cancelled its Dataflow job {dataflow_job}", markup=False)
    return 0
