from pathlib import Path

import tensorflow as tf
from google.protobuf import json_format
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from components.example_gen.executor import Executor
from models import examples as labelled
from pipeline.engines import LOCAL_BEAM_ARGS


def test_records_come_in_the_order_of_the_shards_names(tmp_path: Path) -> None:
    for number in (3, 0, 4, 1, 5, 2):  # a disk may list them so
        with tf.io.TFRecordWriter(str(tmp_path / f"train-{number}.tfrecord")) as writer:
            for record in range(20):
                writer.write(example(20 * number + record))
    splits = [example_gen_pb2.Input.Split(name="train", pattern="train-*.tfrecord")]
    examples = standard_artifacts.Examples()
    examples.uri = str(tmp_path / "examples")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=LOCAL_BEAM_ARGS, tmp_dir=str(tmp_path), unique_id="0"
    )
    Executor(context).Do(
        {},
        {"examples": [examples]},
        {
            "input_base": str(tmp_path),
            "input_config": json_format.MessageToJson(example_gen_pb2.Input(splits=splits)),
            "output_config": "{}",
            "output_data_format": example_gen_pb2.FORMAT_TF_EXAMPLE,
            "output_file_format": example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        },
    )
    [shard] = (tmp_path / "examples" / "Split-train").iterdir()
    records = tf.data.TFRecordDataset(str(shard), "GZIP")
    assert list(records.as_numpy_iterator()) == [example(number) for number in range(120)]
    assert examples.get_int_custom_property("images_train") == 120
    assert examples.get_string_custom_property("digest") == labelled.summary(examples)["digest"]


def example(number: int) -> bytes:
    value = tf.train.Feature(int64_list=tf.train.Int64List(value=[number]))
    return tf.train.Example(
        features=tf.train.Features(feature={"number": value})
    ).SerializeToString()
