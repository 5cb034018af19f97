"""What the service checks in a pipeline job before it takes it."""

import re
from collections.abc import Iterator

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec.pipeline_spec_pb2 import (
    ComponentInputsSpec,
    ComponentSpec,
    ParameterType,
    PipelineDeploymentConfig,
    PipelineSpec,
    PrimitiveType,
)

from .errors import invalid
from .labels import check_display_name, check_labels

SCHEMA_VERSIONS = ("2.0.0", "2.1.0")
# Up to this version parameters are typed values; after it they are JSON.
TYPED_PARAMETERS = "2.0.0"
JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
PIPELINE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")

Parameter = ComponentInputsSpec.ParameterSpec
_JSON_KINDS = {
    ParameterType.NUMBER_DOUBLE: "number_value",
    ParameterType.NUMBER_INTEGER: "number_value",
    ParameterType.STRING: "string_value",
    ParameterType.BOOLEAN: "bool_value",
    ParameterType.LIST: "list_value",
    ParameterType.STRUCT: "struct_value",
}
_TYPED_KINDS = {
    PrimitiveType.INT: "int_value",
    PrimitiveType.DOUBLE: "double_value",
    PrimitiveType.STRING: "string_value",
}


def _parse(fields: Message, message: Message, what: str) -> Message:
    try:
        return json_format.ParseDict(json_format.MessageToDict(fields), message)
    except json_format.ParseError as error:
        raise invalid(f"Invalid {what}: {error}") from None


def check_job(job: Message) -> PipelineSpec:
    """Refuses a pipeline job that the service would refuse.

    Args:
        job: A google.cloud.aiplatform.v1.PipelineJob.

    Returns:
        Its pipeline spec.

    Raises:
        Refusal: INVALID_ARGUMENT, with what is wrong.
    """
    check_display_name(job.display_name)
    check_labels(job.labels)
    spec = _parse(job.pipeline_spec, PipelineSpec(), "pipeline_spec")
    if spec.schema_version not in SCHEMA_VERSIONS:
        raise invalid(
            f"Invalid pipeline_spec: found schema_version '{spec.schema_version}', expected one "
            f"of {', '.join(SCHEMA_VERSIONS)}."
        )
    if not PIPELINE_NAME.fullmatch(spec.pipeline_info.name):
        raise invalid(
            f"Invalid pipeline_spec: found the name '{spec.pipeline_info.name}', expected "
            "lowercase letters, digits and '-', at most 128."
        )
    executors = _parse(spec.deployment_spec, PipelineDeploymentConfig(), "deployment_spec")
    _check_graph(spec, executors)
    _check_runtime_config(job.runtime_config, spec)
    return spec


def images_of(spec: PipelineSpec) -> list[str]:
    """The images that the containers of a pipeline run in."""
    config = PipelineDeploymentConfig()
    json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), config)
    images = {executor.container.image for executor in config.executors.values()}
    return sorted(images - {""})


def _dags(spec: PipelineSpec) -> Iterator[tuple[str, ComponentSpec]]:
    yield "root", spec.root
    for name, component in spec.components.items():
        if component.HasField("dag"):
            yield name, component


def _check_graph(spec: PipelineSpec, config: PipelineDeploymentConfig) -> None:
    for label, executor in config.executors.items():
        if executor.WhichOneof("spec") == "container" and not executor.container.image:
            raise invalid(f"Invalid deployment_spec: executor '{label}' has no container image.")
    for name, component in spec.components.items():
        label = component.executor_label
        if not component.HasField("dag") and label not in config.executors:
            raise invalid(f"Invalid pipeline_spec: component '{name}' has no executor '{label}'.")
    if not spec.root.dag.tasks:
        raise invalid("Invalid pipeline_spec: root.dag has no tasks.")
    for name, component in _dags(spec):
        _check_dag(spec, name, component)


def _check_dag(spec: PipelineSpec, dag: str, component: ComponentSpec) -> None:
    tasks = component.dag.tasks
    needs: dict[str, set[str]] = {}
    for name, task in tasks.items():
        where = f"Invalid pipeline_spec: task '{name}' of '{dag}'"
        if task.component_ref.name not in spec.components:
            raise invalid(f"{where} refers to no component '{task.component_ref.name}'.")
        inputs = task.inputs
        producers = {
            *(found.task_output_artifact.producer_task for found in inputs.artifacts.values()),
            *(found.task_output_parameter.producer_task for found in inputs.parameters.values()),
        }
        needs[name] = {*task.dependent_tasks, *producers} - {""}
        if unknown := needs[name] - set(tasks):
            raise invalid(f"{where} depends on '{min(unknown)}', which is no task of it.")
        known = component.input_definitions
        for kind, given, defined in (
            ("parameter", inputs.parameters, known.parameters),
            ("artifact", inputs.artifacts, known.artifacts),
        ):
            for found in given.values():
                asked = getattr(found, f"component_input_{kind}")
                if asked and asked not in defined:
                    raise invalid(f"{where} takes '{asked}', which is no {kind} of '{dag}'.")
    while ready := [name for name, left in needs.items() if not left & set(needs)]:
        for name in ready:
            del needs[name]
    if needs:
        raise invalid(f"Invalid pipeline_spec: the tasks {sorted(needs)} wait for each other.")


def _check_runtime_config(config: Message, spec: PipelineSpec) -> None:
    if not config.gcs_output_directory.startswith("gs://"):
        raise invalid(
            f"Invalid runtime_config: found gcs_output_directory '{config.gcs_output_directory}', "
            "expected a gs:// URI."
        )
    typed = spec.schema_version == TYPED_PARAMETERS
    given, other = config.parameters, config.parameter_values
    if not typed:
        given, other = other, given
    if other:
        field = "parameters" if typed else "parameter_values"
        raise invalid(
            f"Invalid runtime_config: with schema_version {spec.schema_version}, parameters are "
            f"given as {field}."
        )
    known = spec.root.input_definitions.parameters
    for name, value in given.items():
        if name not in known:
            raise invalid(
                f"Invalid runtime_config: '{name}' is no parameter of the pipeline, which has "
                f"{sorted(known)}."
            )
        _check_value(name, value, known[name])
    for name, parameter in known.items():
        has_default = parameter.is_optional or parameter.HasField("default_value")
        if name not in given and not has_default:
            raise invalid(
                f"Invalid runtime_config: the parameter '{name}' has no value and no default."
            )


def _check_value(name: str, value: Message, parameter: Parameter) -> None:
    if isinstance(value, Value):
        kind = value.WhichOneof("kind")
        expected = _JSON_KINDS.get(parameter.parameter_type)
        fraction = kind == "number_value" and not value.number_value.is_integer()
        wrong = kind != expected or (
            fraction and parameter.parameter_type == ParameterType.NUMBER_INTEGER
        )
    else:
        kind = value.WhichOneof("value")
        expected = _TYPED_KINDS.get(parameter.type)
        wrong = kind != expected
    if expected and wrong:
        shown = json_format.MessageToJson(value, indent=None)
        wanted = (
            ParameterType.ParameterTypeEnum.Name(parameter.parameter_type)
            if isinstance(value, Value)
            else PrimitiveType.PrimitiveTypeEnum.Name(parameter.type)
        )
        raise invalid(
            f"Invalid runtime_config: the parameter '{name}' is {shown}, expected {wanted}."
        )


def check_job_id(job_id: str) -> None:
    """Refuses an id that a pipeline job cannot have.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if not JOB_ID.fullmatch(job_id):
        raise invalid(f"Invalid pipeline_job_id: found '{job_id}', expected ^{JOB_ID.pattern}$.")
