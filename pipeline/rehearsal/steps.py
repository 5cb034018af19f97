"""Does one task: in a container's process, or as a look-up in the store."""

import dataclasses
import itertools
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from pipeline.jobs.states import Artifact, Outputs, RehearsalError, State
from pipeline.rehearsal import queries
from pipeline.rehearsal.cache import cache_key
from pipeline.rehearsal.executor_output import read_executor_output
from pipeline.rehearsal.invocation import Invocation, change_texts
from pipeline.rehearsal.job import Task
from pipeline.rehearsal.parameters import constant
from pipeline.rehearsal.process import CommandFailed, Stopped, run_command
from pipeline.rehearsal.run import Run, new_artifact_name

# TFX keeps these in a file at their uri; of all other artifacts the uri is a folder.
_VALUES = {f"tfx.{name}" for name in ("Boolean", "Float", "Integer", "JsonValue", "String")}


@dataclass(frozen=True)
class Inputs:
    """What a task is given.

    Attributes:
        parameters: by input.
        artifacts: by input.
        names: what `{{$.pipeline_…}}` stands for.
    """

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, list[Artifact]]
    names: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """How a task ended; see TaskState."""

    state: State
    outputs: Outputs | None = None
    error: str | None = None
    cache_key: str | None = None


def do(run: Run, task: Task, inputs: Inputs) -> Result:
    """Do a task; what goes wrong with it is in the result."""
    kind = {"importer": _import, "resolver": _look_up, "container": _run_container}
    try:
        if run.stop.is_set():
            raise Stopped
        return kind[task.executor.WhichOneof("spec")](run, task, inputs)
    except Stopped:
        return Result(State.CANCELLED, error="interrupted")
    except (CommandFailed, RehearsalError, OSError) as error:
        return Result(State.FAILED, error=str(error))


def _import(run: Run, task: Task, inputs: Inputs) -> Result:
    """Register what lies at a uri, or find it registered."""
    spec = task.executor.importer
    if spec.artifact_uri.WhichOneof("value") == "runtime_parameter":
        uri = inputs.parameters[spec.artifact_uri.runtime_parameter]
    else:
        uri = constant(spec.artifact_uri)
    type_, metadata = (json_format.MessageToDict(m) for m in (spec.type_schema, spec.metadata))
    artifact = Artifact(new_artifact_name(), uri, type_, metadata)
    if not spec.reimport:
        for known in run.store.artifacts(run.job.pipeline):
            if dataclasses.replace(known, name=artifact.name) == artifact:
                artifact = known
                break
    return Result(
        State.SUCCEEDED,
        Outputs({name: [artifact] for name in task.component.output_definitions.artifacts}),
    )


def _look_up(run: Run, task: Task, inputs: Inputs) -> Result:
    """Answer a resolver's queries with the newest artifacts that fit, or none."""
    found: dict[str, list[Artifact]] = {}
    for name, query in task.executor.resolver.output_artifact_queries.items():
        found[name] = []
        if not all(inputs.artifacts.values()):
            continue  # the query is about an artifact that another resolver did not find
        invocation = _invocation(run, task, inputs)
        text = invocation.resolve(query.filter, task.component, run.storage.read)
        known = run.store.artifacts(run.job.pipeline)
        fitting = (artifact for artifact in known if queries.matches(text, artifact))
        found[name] = list(itertools.islice(fitting, query.limit or 1))
    return Result(State.SUCCEEDED, Outputs(found))


def _run_container(run: Run, task: Task, inputs: Inputs) -> Result:
    """Run driver and command, unless the cache has what they would put out."""
    invocation = _invocation(run, task, inputs)
    container = task.executor.container
    driver = container.lifecycle.pre_cache_check
    if driver.command:
        _attempt(run, task, invocation, [*driver.command, *driver.args])
        changed = _read_outputs(run, invocation)
        invocation = dataclasses.replace(
            invocation,
            parameters={**invocation.parameters, **changed.parameters},
            outputs={name: listed[0] for name, listed in changed.artifacts.items()},
        )
    key = cache_key(task, invocation.parameters, invocation.inputs)
    if run.use_cache and task.spec.caching_options.enable_cache:
        cached = run.store.cached(run.job.pipeline, key)
        if cached is not None:
            return Result(State.SKIPPED, cached, cache_key=key)
    run.storage.make_folder(os.path.dirname(invocation.output_file))
    for artifact in invocation.outputs.values():
        if artifact.schema_title not in _VALUES:
            run.storage.make_folder(artifact.uri)
    _attempt(run, task, invocation, [*container.command, *container.args])
    return Result(State.SUCCEEDED, _read_outputs(run, invocation), cache_key=key)


def _invocation(run: Run, task: Task, inputs: Inputs) -> Invocation:
    folder = f"{run.folder}/{task.name}_{inputs.names['pipeline_task_uuid']}"
    definitions = task.component.output_definitions
    return Invocation(
        parameters=inputs.parameters,
        inputs=inputs.artifacts,
        outputs={
            name: Artifact(
                new_artifact_name(),
                f"{folder}/{name}",
                json_format.MessageToDict(definition.artifact_type),
                json_format.MessageToDict(definition.metadata),
            )
            for name, definition in definitions.artifacts.items()
        },
        output_parameters={name: f"{folder}/{name}.txt" for name in definitions.parameters},
        output_file=f"{folder}/executor_output.json",
        names=inputs.names,
    )


def _attempt(run: Run, task: Task, invocation: Invocation, command: Sequence[str]) -> None:
    """Run a command, again where the task's retry policy has it so.

    Raises:
        CommandFailed: its last attempt failed.
        Stopped: the rehearsal was interrupted.
    """
    to_local = run.storage.to_local
    local = invocation.mapped(to_local)
    arguments = [
        local.resolve(to_local(text), task.component, run.storage.read) for text in command
    ]
    policy = task.spec.retry_policy
    pause = policy.backoff_duration.ToTimedelta().total_seconds()
    longest = policy.backoff_max_duration.ToTimedelta().total_seconds() or 3600
    longest = min(longest, run.longest_pause)
    for retries_left in range(max(policy.max_retry_count, 0), -1, -1):
        try:
            run_command(arguments, step_environment(run, task), run.log(task.name), run.stop)
            return
        except CommandFailed:
            if not retries_left:
                raise
        if run.stop.wait(min(pause, longest)):
            raise Stopped
        pause *= policy.backoff_factor or 2


def step_environment(run: Run, task: Task) -> dict[str, str]:
    """Return the environment of a task's processes."""
    own = {variable.name: variable.value for variable in task.executor.container.env}
    here = Path(sys.executable).parent
    environment = {
        "TF_CPP_MIN_LOG_LEVEL": "2",  # a log is easier to read without notices about the machine
        **run.environment,
        "PATH": f"{here}{os.pathsep}{run.environment.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",  # the log of a killed step is whole
        **own,
    }
    return change_texts(environment, run.storage.to_local)


def _read_outputs(run: Run, invocation: Invocation) -> Outputs:
    content = run.storage.read(invocation.output_file)
    outputs = read_executor_output(
        content, invocation.outputs, run.storage.to_cloud, new_artifact_name
    )
    texts = {
        name: run.storage.read(path)
        for name, path in invocation.output_parameters.items()
        if name not in outputs.parameters
    }
    written = {
        name: run.storage.to_cloud(text.decode())
        for name, text in texts.items()
        if text is not None
    }
    return dataclasses.replace(outputs, parameters={**outputs.parameters, **written})
