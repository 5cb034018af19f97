"""Labelled examples, read back from the artifact that ImportExampleGen wrote."""

import json
import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tfx.types import Artifact, artifact_utils

from tfrecords.dataset import CALIBRATION_PATTERN, SPLIT_PATTERNS, RecordInfo, count_records

DIGEST = "digest"  # custom property of the artifact
DATA_VERSION = "data_version"  # likewise
SUMMARY = "summary.json"  # file in the artifact's folder


def records(examples: Artifact, split: str) -> Iterator[bytes]:
    """Return serialized examples of a split, in the order of its shards."""
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(tf.io.gfile.glob(os.path.join(folder, "*.gz")))
    return tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()


def summary(examples: Artifact) -> dict[str, Any]:
    """Return what `dataset.json` says of the same data: counts, breeds, record_bytes and digest.

    As the ingest recorded it; of examples that an earlier version ingested, as they lie there.
    """
    path = os.path.join(examples.uri, SUMMARY)
    if tf.io.gfile.exists(path):
        with tf.io.gfile.GFile(path) as file:
            return json.loads(file.read())
    return count_records(
        record_info(split, record)
        for split in artifact_utils.decode_split_names(examples.split_names)
        for record in records(examples, split)
    )


def record_info(split: str, record: bytes) -> RecordInfo:
    """Describe a serialized example as the data set's writer does.

    It is serialized again, by the order of its features: other writers put the same in other bytes.

    Args:
        split: by the pipeline's name.
        record: a serialized tf.Example.
    """
    example = parse(record)
    return RecordInfo.of(
        split=writers_name(split),
        name=text(example, "name"),
        breed=text(example, "breed"),
        record=example.SerializeToString(deterministic=True),
    )


def writers_name(split: str) -> str:
    """Return what the data set's writer calls a split of the pipeline: `val` for `eval`."""
    return {**SPLIT_PATTERNS, **CALIBRATION_PATTERN}[split].partition("-")[0]


def digest(examples: Artifact) -> str:
    """`summary`'s digest."""
    return examples.get_string_custom_property(DIGEST) or summary(examples)[DIGEST]


def parse(record: bytes) -> tf.train.Example:
    """Parse a serialized example."""
    return tf.train.Example.FromString(record)


def raw_label(example: tf.train.Example) -> bytes | int | float:
    """Return the label as it lies in the record, whatever its type; no bytes when there is none."""
    feature = example.features.feature["label"]
    kind = feature.WhichOneof("kind") or "bytes_list"
    return next(iter(getattr(feature, kind).value), b"")


def value(example: tf.train.Example, feature: str) -> bytes:
    """Value of a feature; empty when the example lacks it."""
    return next(iter(example.features.feature[feature].bytes_list.value), b"")


def text(example: tf.train.Example, feature: str) -> str:
    """Value of a feature that holds text."""
    return value(example, feature).decode(errors="replace")
