"""TFX's ImportExampleGen, whose output depends on the data alone."""

import os
from collections.abc import Callable
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.example_gen.import_example_gen import executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs

from models import examples as labelled
from tfrecords.dataset import SPLIT_PATTERNS


class Executor(executor.Executor):
    """Reads a split's shards sorted by name, and records what they hold.

    TFX's own reads them as the file system lists them, which on every disk is another order, so
    that one seed trained another model on another machine.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests; see TFX's ImportExampleGen for inputs and outputs.

        The output has custom properties: `digest`, as in `dataset.json`, and the number of images
        of each split, such as `images_train`.
        """
        super().Do(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        found = labelled.summary(examples)
        examples.set_string_custom_property(labelled.DIGEST, found["digest"])
        for split, pattern in SPLIT_PATTERNS.items():
            count = found["counts"].get(pattern.partition("-")[0], 0)
            examples.set_int_custom_property(f"images_{split}", count)

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
