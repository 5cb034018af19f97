"""Submits a job to Vertex AI, with what `tfx run create` cannot say, if no other is active."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.cloud import aiplatform_v1 as vertex
from google.protobuf import json_format

from components.google_cloud import CloudError
from pipeline.configs import Settings
from pipeline.vertex.dataflow import begins_dataflow
from pipeline.vertex.jobs import Vertex, same
from pipeline.vertex.names import LONGEST_LABEL


@dataclass(frozen=True)
class Options:
    """What may differ from one submission to the next.

    Attributes:
        job_id: of the job, by which a repeated submission finds it; None makes a new one.
        labels: of the job.
        caching: whether steps may be answered from what earlier runs put out.
    """

    job_id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    caching: bool = True


def submit(cloud: Vertex, settings: Settings, job: Mapping[str, Any], options: Options) -> str:
    """Submit a job, unless it is there already, or another one of its pipeline is active.

    Args:
        cloud: where to.
        settings: name pipeline and service account, and the network and the key that the job has
            from its compilation, if one.
        job: a PipelineJob in the form of its JSON.
        options: the rest.

    Returns:
        The job's resource name.

    Raises:
        CloudError: it was not taken.
    """
    now = datetime.datetime.now(datetime.UTC)
    # The id is ours: what is asked for again after a lost answer is found to be there.
    job_id = options.job_id or f"{settings.name_pipeline()[:42]}-{now:%Y%m%d%H%M%S%f}"
    name, asked = cloud.name(job_id), _message(settings, job, options)
    pipeline = asked.pipeline_spec.get("pipelineInfo", {}).get("name")
    if not pipeline:
        raise CloudError("The job says of no pipeline that it is its: compile it again.")
    if len(job_id) > LONGEST_LABEL and begins_dataflow(asked):
        raise CloudError(
            f"The job's id {job_id} has {len(job_id)} characters, and is a label of its Dataflow "
            f"jobs, which has {LONGEST_LABEL} at most: give it a shorter one."
        )
    for setting, has in (
        ("VPC_NETWORK", asked.network),
        ("ENCRYPTION_KEY", asked.encryption_spec.kms_key_name),
    ):
        wanted = getattr(settings, setting.lower())
        if wanted and wanted != has:
            raise CloudError(
                f"{setting} is {wanted}, and the job was compiled with {has or 'none'}: compile it "
                "again, for its steps hold it too."
            )
    found = cloud.find(name)
    if found is None:
        for other in cloud.active(pipeline):
            raise CloudError(_ahead(cloud, other))
        cloud.create(asked, job_id)
    elif not same(asked, found):
        raise CloudError(
            f"There is another job {job_id}, of other steps, parameters, labels, network or key; "
            f"give this one an id of its own. {cloud.link(name)}"
        )
    try:
        earlier = _earlier(cloud, pipeline, name)
        if earlier:
            cloud.cancel(name)
    except CloudError as error:
        raise CloudError(f"{error} The job was made, and goes on: {cloud.link(name)}") from error
    if earlier:
        raise CloudError(f"{_ahead(cloud, earlier)} The job {job_id} was cancelled.")
    return name


def _message(settings: Settings, job: Mapping[str, Any], options: Options) -> vertex.PipelineJob:
    message = vertex.PipelineJob.pb()()
    json_format.ParseDict(job, message)
    asked = vertex.PipelineJob.wrap(message)
    asked.labels.update(options.labels)
    asked.service_account = settings.service_account or ""
    if not options.caching:
        for task in asked.pipeline_spec["root"]["dag"]["tasks"].values():
            task["cachingOptions"] = {"enableCache": False}
    return asked


def _earlier(cloud: Vertex, pipeline: str, name: str) -> vertex.PipelineJob | None:
    """Return an active job that was made before this one; others may submit at the same moment."""
    active = cloud.active(pipeline)
    names = [cloud.name(_id(job)) for job in active]  # the service's have the project's number
    return active[0] if name in names[1:] else None


def _ahead(cloud: Vertex, job: vertex.PipelineJob) -> str:
    job_id = _id(job)
    return (
        f"The job {job_id} of the same pipeline is active, and two at once may publish the older "
        f"model last; wait for it with `visionpipe wait {job_id}`, or end it with "
        f"`visionpipe cancel {job_id}`: {cloud.link(cloud.name(job_id))}"
    )


def _id(job: vertex.PipelineJob) -> str:
    return job.name.rpartition("/")[2]
