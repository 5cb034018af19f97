"""TFX's ImportExampleGen, whose output depends on the data alone."""

import json
import os
import uuid
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

import apache_beam as beam
import tensorflow as tf
from google.protobuf import wrappers_pb2
from tfx import types
from tfx.components.example_gen.import_example_gen import executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.artifacts import examples as labelled
from tfrecords import storage
from tfrecords.dataset import RecordInfo, count_records
from tfrecords.shards import read_records, verify_shards

_FOLDER = "folder"  # of the output, among what the transforms are told
_UNFINISHED = "unfinished"
# The fields of RecordInfo, for there is one for each record, and Beam keeps several copies.
_Values = list[tuple[Any, ...]]


class _Shard(NamedTuple):
    """A shard to be copied.

    Attributes:
        number: its place among all shards of all splits.
        split: its split, by the pipeline's name.
        source: the file.
        target: the gzip file that is there once it is whole.
        unfinished: folder for what is not yet.
    """

    number: int
    split: str
    source: str
    target: str
    unfinished: str


class Executor(executor.Executor):
    """Copies shards as they are, each by itself, and sums up what they hold.

    TFX's own reads shards as the file system lists them, which on every disk is another order, and
    shuffles their records, so that one seed trained another model on another machine. On one
    machine it holds the whole data set in memory; this holds a record.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests; see TFX's ImportExampleGen for inputs and outputs.

        The output has custom properties: `digest` and `record_bytes`, as in `dataset.json`, the
        number of images of each split, such as `images_train`, and `data_version`, the data's fixed
        address, where they have one. `artifacts.examples.summary` has the breeds as well.

        Raises:
            DataError: a split has no shards, or one is missing or damaged.
        """
        [examples] = output_dict[standard_component_specs.EXAMPLES_KEY]
        super().Do(input_dict, output_dict, {**exec_properties, _FOLDER: examples.uri})
        storage.delete_folder(storage.join(examples.uri, _UNFINISHED))
        found = labelled.summary(examples)
        examples.set_string_custom_property(labelled.DIGEST, found[labelled.DIGEST])
        examples.set_int_custom_property("record_bytes", found["record_bytes"])
        if version := _data_version(exec_properties):
            examples.set_string_custom_property(labelled.DATA_VERSION, version)
        for split in artifact_utils.decode_split_names(examples.split_names):
            count = found["counts"].get(labelled.writers_name(split), 0)
            examples.set_int_custom_property(f"images_{split}", count)

    def GenerateExamplesByBeam(
        self, pipeline: beam.Pipeline, exec_properties: dict[str, Any]
    ) -> dict[str, beam.PCollection]:
        """Copy the shards; return no records, so that TFX writes none."""
        folder = exec_properties[_FOLDER]
        _ = (
            pipeline
            | "Shards" >> beam.Create(_shards(exec_properties))
            | "Copy" >> beam.Map(_copy)
            | "Gather" >> beam.combiners.ToList()
            | "Sum up" >> beam.Map(_sum_up, storage.join(folder, labelled.SUMMARY))
        )
        return {}


def _data_version(exec_properties: dict[str, Any]) -> str:
    told = exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY)
    if not told:
        return ""
    config, version = example_gen_pb2.CustomConfig(), wrappers_pb2.StringValue()
    proto_utils.json_to_proto(told, config)
    config.custom_config.Unpack(version)
    return version.value


def _shards(exec_properties: dict[str, Any]) -> list[_Shard]:
    given = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], given)
    folder = exec_properties[_FOLDER]
    shards: list[_Shard] = []
    for split in given.splits:
        pattern = os.path.join(
            exec_properties[standard_component_specs.INPUT_BASE_KEY], split.pattern
        )
        verify_shards(pattern)
        sources = list(storage.glob(pattern))
        for index, source in enumerate(sources):
            name = f"data_tfrecord-{index:05d}-of-{len(sources):05d}.gz"
            shards.append(
                _Shard(
                    number=len(shards),
                    split=split.name,
                    source=source,
                    target=storage.join(folder, f"Split-{split.name}", name),
                    unfinished=storage.join(folder, _UNFINISHED),
                )
            )
    return shards


def _copy(shard: _Shard) -> tuple[int, _Values]:
    """Copy a shard; return its number and what its records are, in their order."""
    for folder in (shard.unfinished, os.path.dirname(shard.target)):
        storage.make_folder(folder)
    # A name of its own, for Beam's runners may do a thing twice at a time.
    unfinished = storage.join(shard.unfinished, uuid.uuid4().hex)
    infos = []
    with tf.io.TFRecordWriter(unfinished, "GZIP") as writer:
        for record in read_records(shard.source):
            writer.write(record)
            info = labelled.record_info(shard.split, record)
            infos.append(tuple(value for _, value in info))
    storage.move(unfinished, shard.target)
    return shard.number, infos


def _sum_up(copied: Iterable[tuple[int, _Values]], path: str) -> None:
    in_order = chain.from_iterable(infos for _, infos in sorted(copied))
    names = RecordInfo.model_fields
    found = count_records(RecordInfo(**dict(zip(names, info, strict=True))) for info in in_order)
    with storage.open_write(path) as file:
        file.write(json.dumps(found, indent=2).encode())
