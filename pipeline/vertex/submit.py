"""Submits a compiled job to Vertex AI, with what `tfx run create` cannot say, and follows it."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import aiplatform
from google.cloud.aiplatform_v1.types import PipelineState, PipelineTaskDetail

from pipeline.configs import Settings

POLL_SECONDS = 10.0
_DONE = {
    PipelineState.PIPELINE_STATE_SUCCEEDED,
    PipelineState.PIPELINE_STATE_FAILED,
    PipelineState.PIPELINE_STATE_CANCELLED,
}


class SubmitError(RuntimeError):
    """The job was not taken, or did not succeed; one sentence with the cause and the cure."""


@dataclass(frozen=True)
class Options:
    """What may differ from one submission to the next.

    Attributes:
        parameters: values of runtime parameters, by name.
        labels: of the job.
        caching: whether steps may be answered from earlier runs; None leaves it to each step.
        encryption_key: of Cloud KMS, projects/…/cryptoKeys/…
        network: VPC that the steps are peered with, projects/NUMBER/global/networks/NAME.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    caching: bool | None = None
    encryption_key: str | None = None
    network: str | None = None


def submit(job_file: Path, settings: Settings, options: Options) -> aiplatform.PipelineJob:
    """Submits a job.

    Args:
        job_file: the compiled PipelineJob.
        settings: name project, region and service account.
        options: the rest.

    Raises:
        SubmitError: it was not taken.
    """
    if not settings.google_cloud_project:
        raise SubmitError("GOOGLE_CLOUD_PROJECT is not set; name the project to submit to.")
    with _explained(settings):
        job = aiplatform.PipelineJob(
            display_name=settings.pipeline_name,
            template_path=str(job_file),
            parameter_values=dict(options.parameters),
            labels=dict(options.labels),
            enable_caching=options.caching,
            encryption_spec_key_name=options.encryption_key,
            project=settings.google_cloud_project,
            location=settings.google_cloud_region,
        )
        job.submit(service_account=settings.service_account, network=options.network)
    return job


def follow(
    job: aiplatform.PipelineJob,
    settings: Settings,
    on_change: Callable[[PipelineTaskDetail], None],
) -> None:
    """Waits for a job and tells of every step whose state changes.

    Raises:
        SubmitError: it failed or was cancelled; the message has the first failed step's reason.
    """
    seen: dict[str, int] = {}
    while True:
        with _explained(settings):
            state = job.state
            details = list(job.gca_resource.job_detail.task_details)
        for task in details:
            if seen.get(task.task_name) != task.state:
                seen[task.task_name] = task.state
                on_change(task)
        if state in _DONE:
            break
        time.sleep(POLL_SECONDS)
    if state != PipelineState.PIPELINE_STATE_SUCCEEDED:
        failed = PipelineTaskDetail.State.FAILED
        reasons = [
            f"{task.task_name}: {task.error.message}" for task in details if task.state == failed
        ]
        raise SubmitError(f"The job did not succeed. {' '.join(reasons)}".strip())


@contextlib.contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    """Says in one sentence what Google's clients raise."""
    project, region = settings.google_cloud_project, settings.google_cloud_region
    try:
        yield
    except GoogleAuthError as error:
        raise SubmitError(
            f"Google Cloud does not accept the credentials ({error}); run `gcloud auth "
            "application-default login`, or renew the workflow's."
        ) from error
    except exceptions.PermissionDenied as error:
        raise SubmitError(
            f"{project} in {region} refuses this account ({error.message}); it needs the roles "
            "roles/aiplatform.user and roles/iam.serviceAccountUser."
        ) from error
    except (exceptions.TooManyRequests, exceptions.ServiceUnavailable) as error:
        raise SubmitError(f"Vertex AI is busy ({error.message}); submit again later.") from error
    except (exceptions.GoogleAPICallError, ValueError) as error:
        raise SubmitError(f"Vertex AI refuses the job: {error}") from error
