"""The values of a task's input parameters, with the placeholders in its constants filled in."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.jobs.states import RehearsalError
from pipeline.rehearsal.job import Task
from pipeline.rehearsal.parameters import constant, converted

Source: TypeAlias = pipeline_spec_pb2.TaskInputsSpec.InputParameterSpec

PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}")
_PARAMETER = re.compile(r"\.inputs\.parameters\['([^']+)'\]")


def input_parameters(
    task: Task,
    given: Mapping[str, Any],
    names: Mapping[str, str],
    produced: Callable[[Source], Any],
) -> dict[str, Any]:
    """Return a task's input parameters.

    A constant may hold `{{$.inputs.parameters['x']}}`, where x is another input parameter of the
    task, and `{{$.pipeline_job_name}}` and the like; KFP's compiler writes f-strings so.

    Args:
        task: the task.
        given: the job's parameters.
        names: what `{{$.pipeline_…}}` stands for.
        produced: gives what another task put out.

    Raises:
        RehearsalError: a placeholder stands for nothing.
    """
    declared = task.component.input_definitions.parameters
    values: dict[str, Any] = {}
    templates: dict[str, str] = {}
    for name, source in task.spec.inputs.parameters.items():
        origin = _origin(source)
        if origin is not None and origin not in given:
            continue  # an optional parameter of the job that this run does not set
        value = converted(declared[name], _value(source, origin, given, produced))
        if _is_constant(source) and isinstance(value, str) and PLACEHOLDER.search(value):
            templates[name] = value
        else:
            values[name] = value
    filled = {name: _filled(task, name, text, values, names) for name, text in templates.items()}
    return {**values, **filled}


def as_text(value: Any) -> str:
    """Return a value in the place of a placeholder: a string as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _value(
    source: Source, origin: str | None, given: Mapping[str, Any], produced: Callable[[Source], Any]
) -> Any:
    if origin is not None:
        return given[origin]
    return constant(source.runtime_value) if _is_constant(source) else produced(source)


def _is_constant(source: Source) -> bool:
    return source.HasField("runtime_value") and not source.runtime_value.HasField(
        "runtime_parameter"
    )


def _origin(source: Source) -> str | None:
    """Return the job's parameter that a task's takes its value from."""
    if source.runtime_value.HasField("runtime_parameter"):
        return source.runtime_value.runtime_parameter
    return source.component_input_parameter or None


def _filled(
    task: Task, name: str, text: str, values: Mapping[str, Any], names: Mapping[str, str]
) -> str:
    def value(match: re.Match[str]) -> str:
        parameter = _PARAMETER.fullmatch(match[1])
        known = values if parameter else names
        key = parameter[1] if parameter else match[1].removeprefix(".")
        if key not in known:
            others = ", ".join(sorted(values)) or "none"
            raise RehearsalError(
                f"Task {task.name} has {match[0]} in its parameter {name}, which stands for "
                f"nothing: give the task such an input parameter; its others are: {others}."
            )
        return as_text(known[key])

    return PLACEHOLDER.sub(value, text)
