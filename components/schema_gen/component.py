"""TFX's ImportSchemaGen, for a schema that is no file."""

from typing import ClassVar

from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.components.schema_gen.import_schema_gen import component
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter

from components.schema_gen.executor import SCHEMA_TEXT, Executor, schema_text


class ImportSchemaGenSpec(standard_component_specs.ImportSchemaGenSpec):
    """TFX's, with the schema's text in the place of a path."""

    PARAMETERS: ClassVar = {SCHEMA_TEXT: ExecutionParameter(type=str)}


class ImportSchemaGen(component.ImportSchemaGen):
    """Puts out a schema that travels in the graph, so that no machine looks for its file.

    Args:
        schema: of the examples.
    """

    SPEC_CLASS: ClassVar = ImportSchemaGenSpec
    EXECUTOR_SPEC: ClassVar = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema: schema_pb2.Schema) -> None:
        spec = ImportSchemaGenSpec(
            **{
                SCHEMA_TEXT: schema_text(schema),
                standard_component_specs.SCHEMA_KEY: types.Channel(type=standard_artifacts.Schema),
            }
        )
        # TFX's own takes a path, and has nothing else to do.
        super(component.ImportSchemaGen, self).__init__(spec=spec)
