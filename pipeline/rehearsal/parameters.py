"""Parameters of a job and of its tasks: values, types, and how a step is told of them."""

import difflib
import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.jobs.states import RehearsalError

ParameterSpec: TypeAlias = pipeline_spec_pb2.ComponentInputsSpec.ParameterSpec

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "INT": (int,),
    "NUMBER_INTEGER": (int,),
    "DOUBLE": (int, float),
    "NUMBER_DOUBLE": (int, float),
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}
# Schema 2.0.0 has the types of ml-metadata, and for each its field of the message Value.
_LEGACY_FIELDS = {"INT": "intValue", "DOUBLE": "doubleValue", "STRING": "stringValue"}


def type_name(declared: ParameterSpec) -> str:
    """Return the declared type's name, in the words of the spec's own schema version."""
    if declared.type:
        return pipeline_spec_pb2.PrimitiveType.PrimitiveTypeEnum.Name(declared.type)
    return pipeline_spec_pb2.ParameterType.ParameterTypeEnum.Name(declared.parameter_type)


def from_json(value: Any) -> Any:
    """Return the value in a parameter's JSON, which schema 2.0.0 wraps as `{"stringValue": …}`."""
    if isinstance(value, Mapping) and len(value) == 1:
        kind, wrapped = next(iter(value.items()))
        if kind in _LEGACY_FIELDS.values():
            return int(wrapped) if kind == "intValue" else wrapped
    return value


def constant(value: pipeline_spec_pb2.ValueOrRuntimeParameter) -> Any:
    """Return the value of a constant of either schema version."""
    return from_json(
        json_format.MessageToDict(getattr(value, value.WhichOneof("value") or "constant"))
    )


def typed(name: str, declared: ParameterSpec, value: Any) -> Any:
    """Return the value as the declaration wants it.

    Raises:
        RehearsalError: it is of another type.
    """
    kind = type_name(declared)
    allowed = _PYTHON_TYPES.get(kind, (object,))
    if allowed == (int,):
        value = _whole(value)
    if not isinstance(value, allowed) or (isinstance(value, bool) and int in allowed):
        raise _mistyped(name, value, kind)
    return value


def converted(declared: ParameterSpec, value: Any) -> Any:
    """Return the value as a step that declares the parameter so is told it.

    TFX's compiler declares an exec property that is another step's output as a string, whatever
    that output is.
    """
    kind = type_name(declared)
    if kind == "STRING" and not isinstance(value, str):
        return json.dumps(_whole(value))
    return _whole(value) if _PYTHON_TYPES.get(kind) == (int,) else value


def _whole(value: Any) -> Any:
    # protobuf's JSON knows no integers.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def job_parameters(
    declared: Mapping[str, ParameterSpec], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the job's parameters stand for in this run, defaults included.

    Raises:
        RehearsalError: a parameter is unknown, missing or of another type.
    """
    for name in sorted(given.keys() - declared.keys()):
        known = ", ".join(sorted(declared)) or "none"
        close = difflib.get_close_matches(name, declared, 1)
        meant = f" did you mean {close[0]}?" if close else ""
        raise RehearsalError(f"The job has no parameter {name};{meant} It has: {known}.")
    values = {name: typed(name, declared[name], value) for name, value in given.items()}
    for name in declared.keys() - values.keys():
        if declared[name].HasField("default_value"):
            values[name] = json_format.MessageToDict(declared[name].default_value)
    missing = sorted(
        name for name in declared.keys() - values.keys() if not declared[name].is_optional
    )
    if missing:
        raise RehearsalError(
            f"The job needs a value for {', '.join(missing)}: give --parameter NAME=VALUE, for on "
            "Vertex AI Pipelines the default of a TFX RuntimeParameter does not count."
        )
    return values


def from_text(name: str, declared: ParameterSpec, text: str) -> Any:
    """Return the value that a command line gives a parameter.

    Raises:
        RehearsalError: it is not of the declared type.
    """
    kind = type_name(declared)
    if _PYTHON_TYPES.get(kind, (str,)) == (str,):
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise _mistyped(name, text, kind) from error


def _mistyped(name: str, value: Any, kind: str) -> RehearsalError:
    return RehearsalError(
        f"Parameter {name} is {value!r}, but the job declares it as {kind}: give it such a value."
    )


def to_json(
    declared: Mapping[str, ParameterSpec], values: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the two fields of parameters in runtimeConfig and in an ExecutorInput's `inputs`."""
    legacy, modern = {}, {}
    for name, value in values.items():
        kind = type_name(declared[name]) if name in declared else ""
        if kind in _LEGACY_FIELDS and declared[name].type:
            legacy[name] = {_LEGACY_FIELDS[kind]: str(value) if kind == "INT" else value}
        else:
            modern[name] = value
    return {"parameters": legacy, "parameterValues": modern}
