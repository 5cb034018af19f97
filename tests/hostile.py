"""A data set whose names are meant to break whatever shows them."""

from pathlib import Path

import tensorflow as tf

HOSTILE_BREED = "</td><script>alert(1)</script>"
HOSTILE_NAME = "'\"><img src=https://example.org/x.png onerror=alert(1)>"
LONG_BREED = "Lopado" * 30


def spoil(shard: Path, drop_species: bool) -> None:
    """Gives every image of a shard a hostile name and breed, and drops the last one's species."""
    examples = [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    ]
    for number, example in enumerate(examples):
        feature = example.features.feature
        feature["name"].bytes_list.value[0] = f"{HOSTILE_NAME}{number}".encode()
        feature["breed"].bytes_list.value[0] = [HOSTILE_BREED, LONG_BREED][number % 2].encode()
    if drop_species:
        del examples[-1].features.feature["species"]
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
