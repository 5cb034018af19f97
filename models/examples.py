"""Labelled examples, read back from the artifact that ImportExampleGen wrote."""

import os
from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tfx.types import Artifact, artifact_utils

from tfrecords.dataset import SPLIT_PATTERNS, RecordInfo, count_records
from tfrecords.example import LabelledImage

DIGEST = "digest"  # custom property of the artifact


def records(examples: Artifact, split: str) -> Iterator[bytes]:
    """Serialized examples of a split, in the order of its shards."""
    folder = artifact_utils.get_split_uri([examples], split)
    files = sorted(tf.io.gfile.glob(os.path.join(folder, "*.gz")))
    return tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator()


def summary(examples: Artifact) -> dict[str, Any]:
    """What `dataset.json` says of the same data: counts, breeds, record_bytes and digest.

    Each example is serialized anew, as the data set's writer does it, because ImportExampleGen
    does not keep the bytes.
    """
    return count_records(
        RecordInfo.of(
            split=SPLIT_PATTERNS[split].partition("-")[0],
            name=image.name,
            breed=image.breed,
            record=image.serialize(),
        )
        for split in artifact_utils.decode_split_names(examples.split_names)
        for image in labelled_images(examples, split)
    )


def labelled_images(examples: Artifact, split: str) -> Iterator[LabelledImage]:
    """The examples of a split, in the order of its shards."""
    return map(_labelled_image, records(examples, split))


def digest(examples: Artifact) -> str:
    """`summary`'s digest: as the ingest recorded it, or of the examples as they lie there."""
    return examples.get_string_custom_property(DIGEST) or summary(examples)[DIGEST]


def _labelled_image(record: bytes) -> LabelledImage:
    example = tf.train.Example.FromString(record)
    return LabelledImage(
        name=text(example, "name"),
        breed=text(example, "breed"),
        species=text(example, "species"),
        image=value(example, "image"),
        label=value(example, "label"),
    )


def value(example: tf.train.Example, feature: str) -> bytes:
    """Value of a feature; empty when the example lacks it."""
    return next(iter(example.features.feature[feature].bytes_list.value), b"")


def text(example: tf.train.Example, feature: str) -> str:
    """Value of a feature that holds text."""
    return value(example, feature).decode(errors="replace")
