"""TFX's ImportExampleGen, whose output depends on the data alone."""

import os
from collections.abc import Callable
from typing import Any

import apache_beam as beam
from tfx.components.example_gen.import_example_gen import executor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs


class Executor(executor.Executor):
    """Reads a split's shards sorted by name.

    TFX's own reads them as the file system lists them, which on every disk is another order, so
    that one seed trained another model on another machine.
    """

    def GetInputSourceToExamplePTransform(self) -> Callable[..., beam.PTransform]:
        """See TFX; the records are passed on as they are, serialized tf.Examples."""
        return _read_sorted


@beam.ptransform_fn
@beam.typehints.with_input_types(beam.Pipeline)
@beam.typehints.with_output_types(bytes)
def _read_sorted(
    pipeline: beam.Pipeline, exec_properties: dict[str, Any], split_pattern: str
) -> beam.PCollection:
    pattern = os.path.join(exec_properties[standard_component_specs.INPUT_BASE_KEY], split_pattern)
    shards = sorted(fileio.glob(pattern))
    return (
        pipeline
        | "Shards" >> beam.Create(shards, reshuffle=False)
        | "Read" >> beam.io.ReadAllFromTFRecord()
    )
