"""Reads a PipelineJob: its tasks, what each depends on, and whether this machine can run them."""

import graphlib
import importlib.metadata
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.jobs.states import RehearsalError
from pipeline.rehearsal.parameters import from_json, job_parameters

_COMPLETED = pipeline_spec_pb2.PipelineTaskSpec.TriggerPolicy.ALL_UPSTREAM_TASKS_COMPLETED
_TASK_NAME = re.compile(r"[\w][\w.-]*")
_GIVEN = ("parameters", "parameterValues")  # by schema version; fields of runtimeConfig
_UNSUPPORTED_INPUTS = ("component_input_artifact", "parameter_expression_selector")


@dataclass(frozen=True)
class Task:
    """A task that is run, imported or looked up.

    Attributes:
        name: its name in the job.
        spec: what it takes from where.
        component: its interface.
        executor: what is done.
        upstream: the tasks that must have ended before.
        needs_success: whether they must have succeeded; an exit handler runs in any case.
    """

    name: str
    spec: pipeline_spec_pb2.PipelineTaskSpec
    component: pipeline_spec_pb2.ComponentSpec
    executor: pipeline_spec_pb2.PipelineDeploymentConfig.ExecutorSpec
    upstream: frozenset[str]
    needs_success: bool


@dataclass(frozen=True)
class Job:
    """A job that this machine can run.

    Attributes:
        pipeline: the pipeline's name, which runs share metadata and cache by.
        root: where artifacts go, as the job names it.
        parameters: the run's parameters, defaults included.
        tasks: by name, each after those that it depends on.
        groups: the tasks inside of each task that is itself a graph.
        fail_fast: whether nothing is begun after a failure.
        warnings: what goes well here and may not on Vertex AI, a sentence each.
    """

    pipeline: str
    root: str
    parameters: Mapping[str, Any]
    tasks: Mapping[str, Task]
    groups: Mapping[str, frozenset[str]]
    fail_fast: bool
    warnings: tuple[str, ...]

    def producer(self, name: str) -> str:
        """Return the task that an input names as its producer."""
        return _producer(name, self.tasks)


def read_job(job: Mapping[str, Any], search_path: str | None) -> Job:
    """Read a PipelineJob in the form of its JSON.

    Args:
        job: as KubeflowV2DagRunner writes it and Vertex AI Pipelines accepts it.
        search_path: PATH of the steps.

    Raises:
        RehearsalError: it is something else, of another TFX, or beyond this machine.
    """
    spec, deployment = parse(job)
    installed = f"tfx-{importlib.metadata.version('tfx')}"
    # What other SDKs compile runs in images that need not hold TFX.
    if spec.sdk_version.startswith("tfx-") and spec.sdk_version != installed:
        raise RehearsalError(
            f"The job was compiled by {spec.sdk_version}, while {installed} is installed here: "
            "compile it again."
        )
    config = job.get("runtimeConfig", {})
    root = config.get("gcsOutputDirectory") or spec.default_pipeline_root
    if not root:
        raise RehearsalError(
            "The job has nowhere to write to: give it a runtimeConfig.gcsOutputDirectory, "
            "gs://BUCKET/FOLDER."
        )
    declared = spec.root.input_definitions.parameters
    parameters = job_parameters(declared, given_parameters(job))
    tasks, groups = _tasks(spec, deployment)
    for task in tasks.values():
        _check(task, declared.keys(), search_path)
    return Job(
        pipeline=spec.pipeline_info.name,
        root=root,
        parameters=parameters,
        tasks={name: tasks[name] for name in _ordered(tasks)},
        groups=groups,
        # aiplatform's client writes the enum's number, the service its name.
        fail_fast=config.get("failurePolicy") in (2, "PIPELINE_FAILURE_POLICY_FAIL_FAST"),
        warnings=tuple(_warnings(deployment)),
    )


def parse(
    job: Any,
) -> tuple[pipeline_spec_pb2.PipelineSpec, pipeline_spec_pb2.PipelineDeploymentConfig]:
    """Return a PipelineJob's specification and executors.

    Raises:
        RehearsalError: it is something else.
    """
    if not isinstance(job, Mapping) or not isinstance(job.get("pipelineSpec"), Mapping):
        raise RehearsalError(
            "This is not a PipelineJob, for it has no pipelineSpec: give the JSON file that "
            "KubeflowV2DagRunner writes."
        )
    config = job.get("runtimeConfig", {})
    if not isinstance(config, Mapping) or not all(
        isinstance(config.get(field, {}), Mapping) for field in _GIVEN
    ):
        raise RehearsalError("The job's runtimeConfig does not parse: compile the job again.")
    spec = pipeline_spec_pb2.PipelineSpec()
    deployment = pipeline_spec_pb2.PipelineDeploymentConfig()
    try:
        json_format.ParseDict(job["pipelineSpec"], spec)
        json_format.ParseDict(job["pipelineSpec"].get("deploymentSpec", {}), deployment)
    except json_format.ParseError as error:
        raise RehearsalError(
            f"The job's pipelineSpec does not parse: {error}. Compile the job again."
        ) from error
    if not spec.root.dag.tasks:
        raise RehearsalError("The job has no tasks.")
    return spec, deployment


def given_parameters(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters that a job's runtimeConfig has."""
    config = job.get("runtimeConfig", {})
    given = {name: value for field in _GIVEN for name, value in config.get(field, {}).items()}
    return {name: from_json(value) for name, value in given.items()}


def _tasks(
    spec: pipeline_spec_pb2.PipelineSpec,
    deployment: pipeline_spec_pb2.PipelineDeploymentConfig,
) -> tuple[dict[str, Task], dict[str, frozenset[str]]]:
    """Yield the tasks of the root's graph, with those of the graphs inside it in their place."""
    specs: dict[str, pipeline_spec_pb2.PipelineTaskSpec] = {}
    groups: dict[str, frozenset[str]] = {}
    around: dict[str, set[str]] = {}  # what the graph that a task lies in depends on

    def flatten(dag: pipeline_spec_pb2.DagSpec, outer: set[str]) -> Iterator[str]:
        for name, task in dag.tasks.items():
            if not _TASK_NAME.fullmatch(name) or name in specs or name in groups:
                raise RehearsalError(f"The job has two tasks, or a nameless one, called {name!r}.")
            if task.component_ref.name not in spec.components:
                raise RehearsalError(f"Task {name} is of a component that the job lacks.")
            inner = spec.components[task.component_ref.name].dag
            if inner.tasks:
                groups[name] = frozenset(flatten(inner, outer | set(task.dependent_tasks)))
                yield from groups[name]
            else:
                specs[name], around[name] = task, outer
                yield name

    list(flatten(spec.root.dag, set()))
    tasks = {}
    for name, task in specs.items():
        component = spec.components[task.component_ref.name]
        if component.executor_label not in deployment.executors:
            raise RehearsalError(f"Task {name} has no executor in the job's deploymentSpec.")
        upstream: set[str] = set()
        for other in around[name] | set(task.dependent_tasks) | set(_producers(task)):
            producer = _producer(other, specs)
            if producer not in specs and producer not in groups:
                raise RehearsalError(f"Task {name} depends on {other}, which the job lacks.")
            upstream |= groups.get(producer, {producer})
        tasks[name] = Task(
            name,
            task,
            component,
            deployment.executors[component.executor_label],
            frozenset(upstream),
            needs_success=task.trigger_policy.strategy != _COMPLETED,
        )
    return tasks, groups


def _producer(name: str, tasks: Iterable[str]) -> str:
    # TFX's compiler appends `_task` where an output becomes another step's exec property.
    return name if name in tasks else name.removesuffix("_task")


def _producers(task: pipeline_spec_pb2.PipelineTaskSpec) -> Iterator[str]:
    for artifact in task.inputs.artifacts.values():
        yield artifact.task_output_artifact.producer_task
    for parameter in task.inputs.parameters.values():
        if parameter.HasField("task_output_parameter"):
            yield parameter.task_output_parameter.producer_task
        elif parameter.HasField("task_final_status"):
            yield parameter.task_final_status.producer_task


def _check(task: Task, parameters: Iterable[str], search_path: str | None) -> None:
    """Refuse what would be found out only when the task's turn comes."""
    for source in task.spec.inputs.parameters.values():
        origin = source.component_input_parameter or source.runtime_value.runtime_parameter
        if origin and origin not in parameters:
            raise RehearsalError(
                f"Task {task.name} takes the job's parameter {origin}, which the job's root does "
                "not declare: compile the job again."
            )
    inputs = [*task.spec.inputs.artifacts.values(), *task.spec.inputs.parameters.values()]
    if task.spec.WhichOneof("iterator") or any(
        field.name in _UNSUPPORTED_INPUTS for message in inputs for field, _ in message.ListFields()
    ):
        raise RehearsalError(f"Task {task.name} takes its inputs in a way that TFX never compiles.")
    kind = task.executor.WhichOneof("spec")
    if kind in ("importer", "resolver"):
        return
    if kind != "container":
        raise RehearsalError(
            f"Task {task.name} has {kind or 'nothing'} as its executor, which this machine cannot "
            "run: it runs containers, importers and resolvers."
        )
    container = task.executor.container
    if not container.command:
        raise RehearsalError(
            f"Task {task.name} names no command: what its image runs by itself is not known here."
        )
    for program in (container.command[0], *container.lifecycle.pre_cache_check.command[:1]):
        if program != "python" and shutil.which(program, path=search_path) is None:
            raise RehearsalError(f"Task {task.name} runs {program}, which this machine lacks.")


def _warnings(deployment: pipeline_spec_pb2.PipelineDeploymentConfig) -> Iterator[str]:
    images = {executor.container.image for executor in deployment.executors.values()}
    for image in sorted(filter(None, images)):
        if "@sha256:" not in image:
            yield (
                f"image {image} is not named by its digest: Vertex AI may run, or take from its "
                "cache, what another image of that name did; name it as NAME@sha256:…"
            )


def _ordered(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    graph = {name: sorted(tasks[name].upstream) for name in sorted(tasks)}
    try:
        return tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        circle = " -> ".join(error.args[1])
        raise RehearsalError(
            f"The job's tasks wait for each other, {circle}: take one of these dependencies away."
        ) from error
