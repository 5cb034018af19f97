"""What the report's tests share: a run over hostile data."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf

from tests.conftest import Workplace
from tests.pipeline.report.pages import HOSTILE_BREED, HOSTILE_NAME, LONG_BREED


@pytest.fixture(scope="session")
def hostile(shared, few_pets: Path) -> Workplace:
    """A run of few steps over names that are meant to break a page, one species missing."""

    def train(folder: Path) -> None:
        data = Path(shutil.copytree(few_pets, folder / "data"))
        for shard in sorted(data.glob("*.tfrecord")):
            spoil(shard, drop_species=shard.name.startswith("train-00001"))
        done = Workplace(folder).run(
            "python local_runner.py", DATA_ROOT=data, EPOCHS=1, IMAGE_SIZE=32, BATCH_SIZE=8
        )
        (folder / "output.txt").write_text(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr

    return Workplace(shared("hostile", train))


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
