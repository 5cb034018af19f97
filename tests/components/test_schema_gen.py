"""The schema on its way from the graph to a file."""

from pathlib import Path

from tfx.types import standard_artifacts
from tfx.utils import io_utils

from components.schema_gen.component import ImportSchemaGen
from components.schema_gen.executor import Executor
from pipeline.schema import examples_schema


def test_the_schema_is_written_as_it_was_given(tmp_path: Path) -> None:
    given = examples_schema(["species"])
    component = ImportSchemaGen(schema=given)
    written = standard_artifacts.Schema()
    written.uri = str(tmp_path / "schema")
    Executor().Do({}, {"schema": [written]}, component.exec_properties)
    assert io_utils.SchemaReader().read(str(tmp_path / "schema" / "schema.pbtxt")) == given
