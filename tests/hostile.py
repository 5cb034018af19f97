"""A data set whose names are meant to break whatever shows them."""

from pathlib import Path

import tensorflow as tf

HOSTILE_BREED = "</td><script>alert(1)</script>"
HOSTILE_NAME = "'\"><img src=https://example.org/x.png onerror=alert(1)>"
LONG_BREED = "Lopado" * 30


def spoil(shard: Path, leave_one_out: bool) -> None:
    """Gives every image of a shard a hostile name and breed, and a feature that is in no schema.

    Args:
        shard: the file.
        leave_one_out: whether the last image lacks that feature.
    """
    examples = [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    ]
    for number, example in enumerate(examples):
        feature = example.features.feature
        feature["name"].bytes_list.value[0] = f"{HOSTILE_NAME}{number}".encode()
        feature["breed"].bytes_list.value[0] = [HOSTILE_BREED, LONG_BREED][number % 2].encode()
        feature["collar"].bytes_list.value.append(b"red")
    if leave_one_out:
        del examples[-1].features.feature["collar"]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
