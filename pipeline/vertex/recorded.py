"""A job's run in MLflow: what of the job says that and how it is recorded, and its beginning.

The job's last task, see `pipeline.vertex.recorder`, ends the run; the Trainer adds its epochs, see
`tracking.step`. They find the run by its tag `tfx_run_id`, the job's id.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import aiplatform_v1 as vertex
from google.protobuf import json_format

from components.git import git_commit
from pipeline import REPOSITORY
from pipeline.beginning import Beginning, beginning
from pipeline.configs import Settings
from pipeline.jobs.states import Outcome, State
from pipeline.vertex.jobs import parameters_of
from tracking import names
from tracking.config import TrackingConfig
from tracking.delivery import deliver
from tracking.errors import TrackingError
from tracking.journal import journal_of
from tracking.server import Server

RECORDER = "RunRecorder"
_EXECUTOR = f"{RECORDER}_executor"
_SECRETS = ("mlflow_username_secret", "mlflow_password_secret", "mlflow_token_secret")
_BEGINNING = "--beginning"

Json = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    """How a job is recorded.

    Attributes:
        beginning: what is known before it, but for its parameters.
        config: which server.
    """

    beginning: Beginning
    config: TrackingConfig

    def rehearsed(self) -> "Recorded":
        """Return the same of a job that is rehearsed."""
        tags = {**self.beginning.tags, names.ENGINE: "rehearsal"}
        return Recorded(self.beginning.model_copy(update={"tags": tags}), self.config)


def environment(settings: Settings) -> list[dict[str, str]]:
    """Variables by which a step knows where to record, without a password; none if nowhere."""
    if settings.mlflow_tracking_uri is None:
        return []
    values = {
        "mlflow_tracking_uri": settings.mlflow_address,
        "mlflow_experiment_name": settings.mlflow_experiment_name or settings.load_recipe().name,
        **{name: getattr(settings, name) for name in _SECRETS},
    }
    return [{"name": name.upper(), "value": value} for name, value in values.items()]


def add_recorder(job: Json, settings: Settings, parameters: Mapping[str, str]) -> None:
    """Add the task that ends the run, whatever became of the others.

    TFX's graph cannot hold it: a component of TFX's waits for the success of others.

    Args:
        job: is changed in place.
        settings: what it is compiled with.
        parameters: the job's, the type of each by its name.
    """
    spec = job["pipelineSpec"]
    begun = beginning(settings, "vertex", git_commit(REPOSITORY))
    values = [f"{name}={{{{$.inputs.parameters['{name}']}}}}" for name in parameters]
    spec["deploymentSpec"]["executors"][_EXECUTOR] = {
        "container": {
            "image": settings.pipeline_image,
            "command": ["python", "-m", "pipeline.vertex.recorder"],
            "args": [
                *("--job", "{{$.pipeline_job_resource_name}}", "--root", "{{$.pipeline_root}}"),
                *(_BEGINNING, begun.model_dump_json()),
                *(word for value in values for word in ("--parameter", value)),
            ],
            "env": environment(settings),
        }
    }
    spec["components"][RECORDER] = {
        "executorLabel": _EXECUTOR,
        "inputDefinitions": {
            "parameters": {name: {"type": kind} for name, kind in parameters.items()}
        },
    }
    tasks = spec["root"]["dag"]["tasks"]
    tasks[RECORDER] = {
        "taskInfo": {"name": RECORDER},
        "componentRef": {"name": RECORDER},
        "dependentTasks": sorted(tasks),
        "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
        "inputs": {"parameters": {name: {"componentInputParameter": name} for name in parameters}},
    }


def read_recorded(spec: Mapping[str, Any]) -> Recorded | None:
    """Tell how the job of a pipeline's specification is recorded; None where it is not.

    Raises:
        ValueError: it was compiled by another version of this project.
    """
    executors = spec.get("deploymentSpec", {}).get("executors", {})
    if _EXECUTOR not in executors:
        return None
    container = executors[_EXECUTOR]["container"]
    arguments: Sequence[str] = container["args"]
    told = {variable["name"].lower(): variable["value"] for variable in container["env"]}
    try:
        return Recorded(
            Beginning.model_validate_json(arguments[arguments.index(_BEGINNING) + 1]),
            TrackingConfig(**told),
        )
    except ValueError:
        raise ValueError(
            f"The job's {RECORDER} is of another version of this project: compile it again."
        ) from None


def open_run(recorded: Recorded, run_id: str, values: Mapping[str, Any]) -> str:
    """Open the run of a job that was submitted.

    Args:
        recorded: how.
        run_id: the job's id.
        values: of the job's parameters.

    Returns:
        Where the run is in MLflow, or why it is not there yet.
    """
    with tempfile.TemporaryDirectory() as folder:
        journal = journal_of(Path(folder), run_id)
        try:
            recorded.beginning.with_values(values).open(journal, run_id)
            deliver(journal, Server(recorded.config))
        except (TrackingError, OSError) as error:
            return f"not opened yet, the job's last step does it. {error}"
        return journal.state.url


def record_cancelled(job: vertex.PipelineJob, outcome: Outcome) -> str:
    """Record a job whose last task a cancellation may have kept from doing so.

    Args:
        job: has ended.
        outcome: what became of it.

    Returns:
        Where the run is in MLflow, or what waits to be sent and how; empty where nothing is to do.
    """
    spec = json_format.MessageToDict(vertex.PipelineJob.pb(job).pipeline_spec)
    recorded = read_recorded(spec) if outcome.state is State.CANCELLED else None
    last = outcome.tasks.get(RECORDER)
    if recorded is None or (last and last.state.has_outputs):
        return ""
    from pipeline.vertex.recorder import record  # TFX, which takes long to import

    root = job.runtime_config.gcs_output_directory
    return record(recorded, outcome, parameters_of(job), root)
