"""The chain of a job on Vertex AI, from what the service recorded of its steps."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from google.cloud import aiplatform_v1 as vertex

from pipeline.configs import Settings
from pipeline.jobs.states import Artifact, Outcome, State
from pipeline.lineage.chain import Lineage, Origin
from pipeline.lineage.names import Name, find_run, model_name, pushed_names
from pipeline.vertex.jobs import Vertex, outcome_of, parameters_of
from pipeline.vertex.names import locate
from pipeline.vertex.outcome import output, pushed_by, read_verdict

_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}")
_VERDICTS = {True: "blessed", False: "refused", None: "not judged"}
_UNFINISHED = {State.RUNNING: ["the job goes on"], State.CANCELLED: ["the job was cancelled"]}


def trace(text: str, settings: Settings) -> Lineage:
    """Read the chain.

    Args:
        text: a job, or the folder, version, tag or revision of a model.
        settings: name the project, the region and the pipeline.

    Raises:
        ValueError: there is no such job, or several; the message has the cure.
        CloudError: the service could not be asked.
    """
    job_id = ""
    with contextlib.suppress(ValueError):  # it is a model's name
        job_id, settings = locate(text, settings)
    cloud = Vertex(settings)
    job = cloud.find(cloud.name(job_id)) if job_id else None
    return _chain(cloud, job or _job_of_model(cloud, text, settings.name_pipeline()))


def _job_of_model(cloud: Vertex, text: str, pipeline: str) -> vertex.PipelineJob:
    found = (cloud.find(name) for name in cloud.names(pipeline))
    jobs = {_id(job.name): job for job in found if job}
    try:
        return jobs[find_run(text, _names(jobs))]
    except LookupError:
        raise ValueError(
            f"{text} is no job, and no folder, version, tag or revision of a model, that "
            f"{cloud.what} has of the pipeline {pipeline}; set PIPELINE_NAME, GOOGLE_CLOUD_PROJECT "
            "and GOOGLE_CLOUD_REGION to those of its making, or leave --engine=vertex out for what "
            "this machine made."
        ) from None


def _names(jobs: dict[str, vertex.PipelineJob]) -> Iterator[Name]:
    outcomes = {job_id: outcome_of(job_id, job) for job_id, job in jobs.items()}
    for job_id, outcome in outcomes.items():
        yield Name(job_id, job_id)
        for step in ("Pusher", "LakeFSPusher", "HFPusher"):
            if pushed := output(outcome, step, "pushed_model"):
                yield from pushed_names(job_id, pushed.uri, pushed_by(outcome, step))
        # The job that judged a model tells more of it than the one that trained it.
        if (model := output(outcome, "Trainer", "model")) and _judges(outcome):
            yield model_name(job_id, model.uri)
    for job_id, outcome in outcomes.items():
        if (model := output(outcome, "Trainer", "model")) and not _judges(outcome):
            yield model_name(job_id, model.uri)


def _judges(outcome: Outcome) -> bool:
    return output(outcome, "Evaluator", "blessing") is not None


def _chain(cloud: Vertex, job: vertex.PipelineJob) -> Lineage:
    # The service's own name of the job has the project's number in the place of its id.
    outcome = outcome_of(cloud.name(_id(job.name)), job)
    verdict = read_verdict(outcome)
    failed = [task for task in outcome.tasks.values() if task.state is State.FAILED]
    troubles = [f"{task.name} failed: {task.reason}" for task in failed]
    model = output(outcome, "Trainer", "model")
    examples = output(outcome, "ImportExampleGen", "examples")
    tuned = output(outcome, "Tuner", "best_hyperparameters")
    pushed = pushed_by(outcome, "Pusher")
    saved_model = pushed.get("saved_model", verdict.pushed)
    return Lineage(
        run=_origin(job),
        trained_by=_trained_by(cloud, job, outcome, model) if model else None,
        data_root=str(parameters_of(job).get("data_root", "")),
        examples=examples.metadata if examples else {},
        told=_told(job, "Trainer"),
        hyperparameters=tuned.uri if tuned else "",
        model=model.uri if model else "",
        figures=verdict.evaluation.whole.figures if verdict.evaluation else {},
        verdict=_VERDICTS[verdict.blessed],
        reasons=[*verdict.reasons, *(troubles or _UNFINISHED.get(outcome.state, []))],
        edge=verdict.edge,
        pushed=saved_model,
        served=verdict.pushed if verdict.pushed != saved_model else "",
        publication=pushed_by(outcome, "HFPusher"),
        unread=verdict.unread,
    )


def _origin(job: vertex.PipelineJob) -> Origin:
    executors = job.pipeline_spec["deploymentSpec"]["executors"].values()
    images = {executor["container"]["image"] for executor in executors if "container" in executor}
    facts = {"image": ", ".join(sorted(images))}
    if commit := job.labels.get("commit"):
        facts = {"git commit": commit.replace("-modified", ", modified"), **facts}
    return Origin(_id(job.name), job.create_time, facts)


def _trained_by(
    cloud: Vertex, job: vertex.PipelineJob, outcome: Outcome, model: Artifact
) -> Origin:
    if outcome.tasks["Trainer"].state is not State.SKIPPED:
        return _origin(job)
    # The service puts a step's output under ROOT/PROJECT_NUMBER/JOB_ID/TASK.
    job_id = model.uri.split("/")[-3]
    found = cloud.find(cloud.name(job_id))
    return _origin(found) if found else Origin(job_id, None, {})


def _told(job: vertex.PipelineJob, step: str) -> dict[str, Any]:
    """Return a step's `custom_config`, with the values of the job's parameters in their places."""
    given = job.pipeline_spec["root"]["dag"]["tasks"].get(step, {}).get("inputs", {})
    config = given.get("parameters", {}).get("custom_config", {}).get("runtimeValue", {})
    text = config.get("constantValue", {}).get("stringValue", "{}")
    values = parameters_of(job)
    return json.loads(_PLACEHOLDER.sub(lambda found: _in_json(values[found[1]]), text))


def _in_json(value: str | float) -> str:
    """Return a value as it stands in JSON, a text within its quotes."""
    if isinstance(value, str):
        return json.dumps(value)[1:-1]
    return json.dumps(int(value) if value == int(value) else value)  # the service has no integers


def _id(name: str) -> str:
    return name.rpartition("/")[2]
