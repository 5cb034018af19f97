"""The Trainer's input alone: shards through Transform's graph, decoded, cached and shuffled.

In the first epoch the peer is bare tf.data, which decodes and resizes the same files, held in
memory, image by image; in later ones the peer holds the decoded pixels in memory and picks shuffled
batches of them with NumPy. Neither of the two reads shards, checks how many examples there are or
augments.
"""

import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from rich.console import Console
from rich.progress import track

from benchmarks.bench_trainer import CONFIG, decoded, write_transform_graph
from benchmarks.report import Figure, figure
from models import data
from models.registry import load_learning
from tfrecords import synthetic
from tfrecords.shards import read_records

_IMAGES = 512
_STEPS = _IMAGES // CONFIG.batch_size
_LATER_EPOCHS = 4
_MOMENTS = ("first", "later", "augmented")


def run(rounds: int) -> list[Figure]:
    """Take batches of both in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Images a second of the first epoch and of later ones, without and with augmentation.
    """
    speed: dict[str, dict[str, list[float]]] = {name: {"ours": [], "peer": []} for name in _MOMENTS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards, graph = folder / "shards", folder / "graph"
        synthetic.generate(str(shards), train=_IMAGES, val=2)
        write_transform_graph(graph, folder / "temp")
        encoded = _encoded(shards)
        arrays = decoded(shards / "train-*", graph, _IMAGES)
        for _ in track(range(rounds), "input", console=Console(stderr=True)):
            batches = _ours(shards, graph, 0.0)
            speed["first"]["ours"].append(_images_per_second(batches, 1))
            speed["first"]["peer"].append(_images_per_second(_decoding(*encoded), 1))
            speed["later"]["ours"].append(_images_per_second(batches, _LATER_EPOCHS))
            speed["later"]["peer"].append(_images_per_second(_picking(*arrays), _LATER_EPOCHS))
            augmented = _ours(shards, graph, CONFIG.augmentation)
            _images_per_second(augmented, 1)
            speed["augmented"]["ours"].append(_images_per_second(augmented, _LATER_EPOCHS))
            speed["augmented"]["peer"].append(_images_per_second(_picking(*arrays), _LATER_EPOCHS))
    what = f"Input, {CONFIG.image_size} px"
    bare, numpy = "bare tf.data, files in memory", "NumPy, pixels in memory"
    return [
        figure(f"{what}, first epoch", "images/s", **speed["first"], peer_name=bare),
        figure(f"{what}, later epochs", "images/s", **speed["later"], peer_name=numpy),
        figure(f"{what}, later, augmented", "images/s", **speed["augmented"], peer_name=numpy),
    ]


def _images_per_second(batches: Iterator[Any], epochs: int) -> float:
    began = time.perf_counter()
    images = sum(len(images) for images, _ in islice(batches, _STEPS * epochs))
    if images != _IMAGES * epochs:
        raise RuntimeError(f"There were {images} images, not {_IMAGES * epochs}.")
    return images / (time.perf_counter() - began)


def _ours(shards: Path, graph: Path, augmentation: float) -> Iterator[Any]:
    learning = load_learning(CONFIG.task)
    split = data.load_split(
        [str(shards / "train-*")],
        tft.TFTransformOutput(str(graph)),
        learning.label_spec(CONFIG.image_size).dtype,
        _IMAGES,
    )
    return iter(
        data.training_batches(split, learning.augment, CONFIG.batch_size, CONFIG.seed, augmentation)
    )


def _encoded(shards: Path) -> tuple[list[bytes], list[bytes]]:
    """JPEGs and PNGs of the training split."""
    records = (
        record for path in sorted(shards.glob("train-*")) for record in read_records(str(path))
    )
    features = [tf.train.Example.FromString(record).features.feature for record in records]
    images, masks = (
        [feature[name].bytes_list.value[0] for feature in features] for name in ("image", "label")
    )
    return images, masks


def _decoding(images: list[bytes], masks: list[bytes]) -> Iterator[Any]:
    """Bare tf.data: decoded, resized, batched."""
    side = CONFIG.image_size

    def pixels(image: tf.Tensor, mask: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        resized = tf.image.resize(
            tf.io.decode_jpeg(image, channels=3), (side, side), antialias=True
        )
        ids = tf.image.resize(tf.io.decode_png(mask, channels=1), (side, side), method="nearest")
        return resized, ids[..., 0]

    dataset = tf.data.Dataset.from_tensor_slices((images, masks))
    dataset = dataset.map(pixels, num_parallel_calls=tf.data.AUTOTUNE)
    return iter(dataset.batch(CONFIG.batch_size).prefetch(tf.data.AUTOTUNE))


def _picking(images: Any, masks: Any) -> Iterator[Any]:
    """NumPy: shuffled batches of arrays, epoch after epoch."""
    generator = np.random.default_rng(CONFIG.seed)
    while True:
        order = generator.permutation(_IMAGES)
        for chosen in order.reshape(_STEPS, CONFIG.batch_size):
            yield images[chosen], masks[chosen]
