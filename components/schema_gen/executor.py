"""Writes the text of a schema where TFX's components look for it."""

import os
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

SCHEMA_TEXT = "schema_text"
_FILE = "schema.pbtxt"  # TFX's name, by which it is read


def schema_text(schema: schema_pb2.Schema) -> str:
    """Return a schema as the exec property that the executor reads."""
    return text_format.MessageToString(schema)


class Executor(base_executor.BaseExecutor):
    """Writes the exec property `schema_text` to the output `schema`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write; see TFX's ImportSchemaGen for the output."""
        folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.SCHEMA_KEY])
        path = os.path.join(folder, _FILE)
        io_utils.write_string_file(path, exec_properties[SCHEMA_TEXT])
