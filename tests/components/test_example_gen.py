from pathlib import Path

import pytest
import tensorflow as tf
from google.protobuf import json_format
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import Artifact, standard_artifacts

from components.artifacts import examples as labelled
from components.example_gen.component import ImportExampleGen
from components.example_gen.executor import Executor
from pipeline.engines import LOCAL_BEAM_ARGS
from tfrecords.dataset import SPLIT_PATTERNS, RecordInfo, count_records
from tfrecords.errors import DataError
from tfrecords.example import LabelledImage
from tfrecords.shards import write_records


def image(number: int) -> LabelledImage:
    breed = f"breed {number % 3}"
    return LabelledImage(f"{number:03d}", breed, "cat", b"image %d" % number, b"label")


def write(folder: Path) -> None:
    """Three shards of the training split, written in no order of their names, and one more."""
    for shard in (2, 0, 1):  # a disk may list them so
        records = [image(20 * shard + place).serialize() for place in range(20)]
        write_records(str(folder / f"train-{shard}.tfrecord"), records)
    write_records(str(folder / "val-0.tfrecord"), [image(90).serialize()])


def ingest(folder: Path, data_version: str = "") -> Artifact:
    splits = [
        example_gen_pb2.Input.Split(name=name, pattern=pattern)
        for name, pattern in SPLIT_PATTERNS.items()
    ]
    given = ImportExampleGen(str(folder), example_gen_pb2.Input(splits=splits), data_version)
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=LOCAL_BEAM_ARGS, tmp_dir=str(folder), unique_id="0"
    )
    Executor(context).Do(
        {},
        {"examples": [examples]},
        {
            "input_base": str(folder),
            "input_config": json_format.MessageToJson(example_gen_pb2.Input(splits=splits)),
            "output_config": "{}",
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
            "custom_config": given.spec.exec_properties.get("custom_config"),
        },
    )
    return examples


def test_the_version_of_the_data_is_a_property(tmp_path: Path) -> None:
    write(tmp_path)
    version = f"lakefs://image-data/{'0a' * 32}/data"
    examples = ingest(tmp_path, version)
    assert examples.get_string_custom_property(labelled.DATA_VERSION) == version
    assert not ingest(tmp_path).has_custom_property(labelled.DATA_VERSION)


def test_records_come_as_they_are_in_the_order_of_the_shards_names(tmp_path: Path) -> None:
    write(tmp_path)
    examples = ingest(tmp_path)
    assert list(labelled.records(examples, "train")) == [image(n).serialize() for n in range(60)]
    assert list(labelled.records(examples, "eval")) == [image(90).serialize()]
    folders = {path.name for path in (tmp_path / "examples").iterdir()}
    assert folders == {"Split-train", "Split-eval", "summary.json"}


def test_what_was_ingested_is_summed_up_as_its_writer_does_it(tmp_path: Path) -> None:
    write(tmp_path)
    examples = ingest(tmp_path)
    written = count_records(
        RecordInfo.of(split, i.name, i.breed, i.serialize())
        for split, numbers in (("train", range(60)), ("val", [90]))
        for i in map(image, numbers)
    )
    assert labelled.summary(examples) == written
    assert written["breeds"]["train"] == {"breed 0": 20, "breed 1": 20, "breed 2": 20}
    told = examples.get_int_custom_property
    assert (told("images_train"), told("images_eval")) == (60, 1)
    assert told("record_bytes") == written["record_bytes"]
    assert examples.get_string_custom_property("digest") == written["digest"]


def test_the_summary_is_read_where_there_is_one_and_made_where_there_is_none(
    tmp_path: Path,
) -> None:
    write(tmp_path)
    examples = ingest(tmp_path)
    written = labelled.summary(examples)
    [shard] = (tmp_path / "examples" / "Split-eval").iterdir()
    content = shard.read_bytes()
    shard.write_bytes(b"")
    assert labelled.summary(examples) == written  # no data were read
    shard.write_bytes(content)
    (tmp_path / "examples" / "summary.json").unlink()
    assert labelled.summary(examples) == written


def test_records_of_another_writer_count_by_their_content(tmp_path: Path) -> None:
    """TensorFlow's own order of the features is not that of the data set's writer."""
    write(tmp_path)
    written = labelled.summary(ingest(tmp_path))
    shard = tmp_path / "val-0.tfrecord"
    features = tf.train.Example.FromString(image(90).serialize()).features.feature
    # Serialized messages that follow each other are one message.
    parts = []
    for name in sorted(features, reverse=True):
        one = tf.train.Example()
        one.features.feature[name].CopyFrom(features[name])
        parts.append(one.SerializeToString())
    record = b"".join(parts)
    assert record != image(90).serialize()
    write_records(str(shard), [record])
    assert labelled.summary(ingest(tmp_path)) == written


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-5]), "train-1.tfrecord is truncated"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"!"), "checksum of record 19"),
    ],
)
def test_a_damaged_shard_is_named(tmp_path: Path, spoil, said: str) -> None:
    write(tmp_path)
    spoil(tmp_path / "train-1.tfrecord")
    with pytest.raises(DataError, match=said):
        ingest(tmp_path)
