"""A job that has ended, as the local engine's runs are read: what tells of those tells of it."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.types import Artifact as TfxArtifact
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from pipeline.jobs.states import Artifact, Outcome, TaskState
from pipeline.runs.history import Run, Step
from pipeline.vertex.outcome import output
from pipeline.vertex.recorded import RECORDER

# What is read of a run; the rest stays where it is.
_READ = ("statistics", "best_hyperparameters", "model", "model_run", "evaluation")
_IMPORTED = {"imported_hyperparameters": "Importer"}


def finished_run(
    run_id: str, outcome: Outcome, values: Mapping[str, Any], copy: Callable[[str], str]
) -> Run:
    """Make the run of a job.

    Args:
        run_id: the job's id.
        outcome: what became of it.
        values: of its parameters.
        copy: brings a folder to this machine, and returns its path there.
    """
    steps = {}
    for task in outcome.tasks.values():
        if task.begin is not None and task.name != RECORDER:
            step = _step(task, task.begin, values, copy)
            steps[step.name] = step
    model = output(outcome, "Trainer", "model")
    return Run(
        run_id=run_id,
        pipeline="",
        facts={},
        steps=steps,
        trained_by=job_of(model.uri) if model else "",
        baseline_run="",
    )


def trained_at(outcome: Outcome) -> str:
    """Where the SavedModel lies that the Trainer exported; empty where there is none."""
    model = output(outcome, "Trainer", "model")
    return path_utils.serving_model_path(model.uri) if model else ""


def job_of(uri: str) -> str:
    """Return the id of the job that made an artifact; it lies at ROOT/NUMBER/JOB/TASK/NAME."""
    return uri.rstrip("/").split("/")[-3]


def _step(
    task: TaskState,
    begin: datetime.datetime,
    values: Mapping[str, Any],
    copy: Callable[[str], str],
) -> Step:
    found = task.outputs.artifacts if task.outputs else {}
    return Step(
        name=_IMPORTED.get(task.name, task.name),
        state=task.state,
        begin=begin,
        duration=(task.end or begin) - begin,
        properties={"input_base": values["data_root"]} if task.name == "ImportExampleGen" else {},
        inputs={},
        outputs={
            key: _artifact(artifacts[0], copy if key in _READ else str)
            for key, artifacts in found.items()
            if artifacts
        },
    )


def _artifact(found: Artifact, place: Callable[[str], str]) -> TfxArtifact:
    kind = getattr(standard_artifacts, found.schema_title.removeprefix("tfx."), None)
    name = metadata_store_pb2.ArtifactType(name=found.schema_title)
    artifact = kind() if kind else TfxArtifact(name)
    artifact.uri = place(found.uri)
    for key, value in found.metadata.items():
        if key == "split_names":
            artifact.split_names = value
        elif isinstance(value, str):
            artifact.set_string_custom_property(key, value)
        elif isinstance(value, int | float):  # the service has no integers
            artifact.set_int_custom_property(key, int(value))
    return artifact
