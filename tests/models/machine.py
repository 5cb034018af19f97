"""A machine of a training: `python -m tests.models.machine ARGUMENTS RECORD [two]`.

It trains as the Trainer does, by the pickled ARGUMENTS, and writes to files that begin with RECORD
what its replicas really saw and ended with. With a third word it has two devices.
"""

import hashlib
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models import distribution, train

ARGUMENTS, RECORD, *TWO_DEVICES = sys.argv[1:]


class Recorded(distribution.DistributedModel):
    """Notes every batch, and the weights whenever they are read."""

    def train_step(self, data: Any) -> Any:
        self.note("train", data)
        return super().train_step(data)

    def test_step(self, data: Any) -> Any:
        self.note("val", data)
        return super().test_step(data)

    def note(self, name: str, data: Any) -> None:
        # Whole numbers below 2**24, which float32 adds exactly, and the same for mirrored images.
        sums = tf.cast(tf.reduce_sum(data[0], [1, 2, 3]), tf.int32)
        tf.print(sums, output_stream=f"file://{RECORD}.{name}", summarize=-1)

    def get_weights(self) -> list[np.ndarray]:
        weights = super().get_weights()
        digest = hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()
        Path(RECORD + ".weights").write_text(digest)
        return weights


distribution.DistributedModel = Recorded
if TWO_DEVICES:
    cpu = tf.config.LogicalDeviceConfiguration()
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], [cpu] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    distribution.strategy = lambda: strategy
train.run_fn(pickle.loads(Path(ARGUMENTS).read_bytes()))
