"""The training input: TFRecord shards through Transform's graph into batches."""

import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import psutil
import tensorflow as tf
import tensorflow_transform as tft

from models import preprocessing

# A split is decoded once and kept as uint8: in memory up to this many bytes, so that a training
# takes as much memory whatever the size of the data set, and on disk what is larger. Of that, as
# much is shuffled at a time.
_IN_MEMORY = 256 * 2**20
# Examples that are shuffled at a time at least, whatever their size.
_SHUFFLED = 1024
# Neither takes more than this share of what is free; what finds no room is decoded every epoch.
_CACHE_SHARE = 0.5
# One call of Transform's graph for each example would spend a quarter of the time on being called.
_DECODED_TOGETHER = 16
_PARALLEL_CALLS = psutil.cpu_count()
_PREFETCHED = 2
_ONE_REPLICA = tf.distribute.InputContext()
# What a dataset maps branches on no tensor in Python, and AutoGraph takes seconds to find none.
_plain = tf.autograph.experimental.do_not_convert

# Images, labels, seed and magnitude to images and labels.
Augment = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, float], tuple[tf.Tensor, tf.Tensor]]


class Split(NamedTuple):
    """What one machine has of a split.

    Attributes:
        pairs: a finite dataset of images, uint8 [S, S, 3] in 0..255, and labels as the task trains
            with them; its cardinality is known.
        num_examples: of the whole split, on all machines together.
    """

    pairs: tf.data.Dataset
    num_examples: int


@_plain
def load_split(
    file_patterns: list[str],
    transform_output: tft.TFTransformOutput,
    label_type: tf.DType,
    num_examples: int,
    owned: np.ndarray | None = None,
) -> Split:
    """Read a split once, in the order of its shards, and decode what this machine owns of it.

    Args:
        file_patterns: where its shards are, plain or gzip.
        transform_output: Transform's artifact.
        label_type: that labels train as; Transform writes int64 or float32.
        num_examples: how many examples the shards hold.
        owned: bool [num_examples], `training_share` or `evaluation_share`; None for all.

    Raises:
        tf.errors.DataLossError: if a shard is truncated; here, or while iterating.
        tf.errors.FailedPreconditionError: if there are more or fewer examples; likewise.
    """
    raw_spec = transform_output.raw_feature_spec()
    spec = {name: raw_spec[name] for name in preprocessing.RAW_FEATURES}
    transform = transform_output.transform_features_layer()

    def images_and_labels(examples: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = transform(tf.io.parse_example(examples, spec))
        return (
            tf.cast(features[preprocessing.IMAGE], tf.uint8),
            tf.cast(features[preprocessing.LABEL], label_type),
        )

    records, count = _records(file_patterns), num_examples
    if owned is not None and not owned.all():
        records = records.apply(tf.data.experimental.assert_cardinality(num_examples))
        own, count = tf.constant(owned), int(owned.sum())
        records = records.enumerate().filter(lambda place, _: own[place])
        records = records.map(lambda _, record: record)
    dataset = records.batch(_DECODED_TOGETHER)
    dataset = dataset.map(images_and_labels, num_parallel_calls=_PARALLEL_CALLS, deterministic=True)
    dataset = dataset.unbatch()
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(count))
    return Split(_cached(dataset, count * _example_bytes(dataset)), num_examples)


def _example_bytes(pairs: tf.data.Dataset) -> int:
    return sum(spec.shape.num_elements() * spec.dtype.size for spec in pairs.element_spec)


def _cached(dataset: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Keep a dataset of so many bytes where there is room for it."""
    if size <= min(_IN_MEMORY, _CACHE_SHARE * psutil.virtual_memory().available):
        return dataset.cache()
    if size <= _CACHE_SHARE * shutil.disk_usage(tempfile.gettempdir()).free:
        return _cached_on_disk(dataset, size)
    logging.info(
        "%.1f GB of decoded pixels fit neither in memory nor in %s: decoding every epoch",
        size / 1e9,
        tempfile.gettempdir(),
    )
    return dataset


def _cached_on_disk(dataset: tf.data.Dataset, size: int) -> tf.data.Dataset:
    """Decode a whole split to a folder that goes with the dataset, or with the process."""
    folder = tempfile.TemporaryDirectory(prefix="decoded-")
    logging.info("Keeping %.1f GB of decoded pixels in %s while training", size / 1e9, folder.name)
    cached = dataset.cache(os.path.join(folder.name, "pixels"))
    # tf.data may read such a file only once it was written to its end.
    cached.reduce(np.int64(0), lambda count, *_: count + 1)
    weakref.finalize(cached, folder.cleanup)
    return cached


def count_examples(file_patterns: list[str]) -> int:
    """Count the examples of a split where no statistics of it are at hand."""
    return int(_records(file_patterns).reduce(np.int64(0), lambda count, _: count + 1))


def spread_records(file_patterns: Sequence[str], num_examples: int, count: int) -> tf.data.Dataset:
    """Every so many-th serialized example of a split, from the first on: at most `count`."""
    apart = max(1, num_examples // count)
    return _records(file_patterns).shard(apart, 0).take(count)


def training_share(num_examples: int, replicas: tf.distribute.InputContext) -> np.ndarray:
    """Which examples of a split a machine trains on: every so many-th, so shares differ by one.

    Args:
        num_examples: of the whole split.
        replicas: how many machines there are, and which one this is.

    Returns:
        bool [num_examples], by the examples' places.

    Raises:
        ValueError: there are fewer examples than machines.
    """
    machines = replicas.num_input_pipelines
    if num_examples < machines:
        raise ValueError(
            f"{machines} machines cannot share a training split of {num_examples} examples: add "
            "examples to it, or train on fewer."
        )
    return np.arange(num_examples) % machines == replicas.input_pipeline_id


@_plain
def training_batches(
    split: Split,
    augment: Augment,
    batch_size: int,
    seed: int,
    augmentation: float = 0.0,
    first_step: int = 0,
    replicas: tf.distribute.InputContext = _ONE_REPLICA,
) -> tf.data.Dataset:
    """Shuffled, augmented, endless batches.

    The replicas of one machine share its batches: what all see together in a step is what one alone
    would see, but for the augmentation, which is drawn for each replica's share at once. Each of
    several machines passes over its own share of the split again and again, in an order of its own
    that the seed decides. All together see every example once in each pass; where the machines do
    not divide the split, those with one example less begin the next pass that much earlier.

    Args:
        split: as `load_split` gives it, of the machine's `training_share`.
        augment: the task's, see `models.task.Learning`.
        batch_size: B, of all R replicas together.
        seed: decides order and augmentation.
        augmentation: its magnitude.
        first_step: batches to leave out: a resumed training goes on with the batch that an
            uninterrupted one on as many machines would have taken next.
        replicas: how many there are, and for which machine's the dataset is.

    Returns:
        Pairs of images, float32 [B / R, S, S, 3] in 0..255, and labels, for each of the machine's
        replicas in turn.

    Raises:
        ValueError: R does not divide B.
    """
    count = replicas.num_replicas_in_sync
    if batch_size % count:
        raise ValueError(
            f"BATCH_SIZE={batch_size} cannot be shared evenly by {count} replicas: use a multiple "
            f"of {count}."
        )
    shuffled = _shuffled(split.pairs, seed + replicas.input_pipeline_id)
    batches = shuffled.repeat().batch(batch_size // count, drop_remainder=True)
    # One seed a batch: a stateful generator would deal its numbers to whichever batch comes first.
    seeds = tf.data.Dataset.random(seed=seed).batch(2)
    seeds = seeds.shard(replicas.num_input_pipelines, replicas.input_pipeline_id)
    return (
        tf.data.Dataset.zip(batches, seeds)
        .skip(first_step * count // replicas.num_input_pipelines)
        .map(
            lambda pair, batch_seed: augment(
                tf.cast(pair[0], tf.float32), pair[1], batch_seed, augmentation
            ),
            num_parallel_calls=_PARALLEL_CALLS,
        )
        .prefetch(_PREFETCHED)
        .with_options(_options())
    )


def _shuffled(pairs: tf.data.Dataset, seed: int) -> tf.data.Dataset:
    """Each pass in another order; of what is larger than memory, in windows that pass over it."""
    window = max(_SHUFFLED, _IN_MEMORY // _example_bytes(pairs))
    window = min(window, int(pairs.cardinality()))
    return pairs.shuffle(window, seed=seed, reshuffle_each_iteration=True)


def evaluation_share(
    num_examples: int, batch_size: int, replicas: tf.distribute.InputContext
) -> np.ndarray:
    """Which examples of a split a machine evaluates, as bool [num_examples], by their places.

    Args:
        num_examples: of the whole split.
        batch_size: of all R replicas together.
        replicas: how many there are, and for which machine's the share is.

    Raises:
        ValueError: there are fewer examples than replicas.
    """
    shares = _evaluation_shares(num_examples, batch_size, replicas.num_replicas_in_sync)
    owners = np.repeat(np.arange(len(shares)) % replicas.num_input_pipelines, shares)
    return owners == replicas.input_pipeline_id


@_plain
def evaluation_batches(
    split: Split,
    batch_size: int,
    replicas: tf.distribute.InputContext = _ONE_REPLICA,
) -> tf.data.Dataset:
    """Every example once, in order: images, float32 [N, S, S, 3] in 0..255, and labels.

    Args:
        split: as `load_split` gives it, of the machine's `evaluation_share`.
        batch_size: of all R replicas together.
        replicas: how many there are, and for which machine's the dataset is.

    Returns:
        For each of the machine's replicas in turn its share of an `evaluation_steps` batch.
    """
    shares = _evaluation_shares(split.num_examples, batch_size, replicas.num_replicas_in_sync)
    own = shares[replicas.input_pipeline_id :: replicas.num_input_pipelines]
    batches = split.pairs.batch(batch_size).rebatch(own)
    batches = batches.map(lambda images, labels: (tf.cast(images, tf.float32), labels))
    return batches.prefetch(_PREFETCHED).with_options(_options())


def _evaluation_shares(num_examples: int, batch_size: int, num_replicas: int) -> list[int]:
    """Sizes of the replicas' shares of each `evaluation_steps` batch, step by step."""
    steps = evaluation_steps(num_examples, batch_size, num_replicas)
    return [(size + replica) // num_replicas for size in steps for replica in range(num_replicas)]


def evaluation_steps(num_examples: int, batch_size: int, num_replicas: int) -> list[int]:
    """Sizes of the batches that a split is evaluated in, with some for every replica in each.

    A replica without examples in a step would have no loss, or leave others waiting for it.

    Raises:
        ValueError: there are fewer examples than replicas.
    """
    if num_examples < num_replicas:
        raise ValueError(
            f"{num_replicas} replicas cannot share a validation split of {num_examples} examples: "
            "add examples to it, or train on fewer."
        )
    sizes = [batch_size] * (num_examples // batch_size)
    rest = num_examples % batch_size
    if rest >= num_replicas:
        return [*sizes, rest]
    return [*sizes[:-1], batch_size + rest]


def _options() -> tf.data.Options:
    """Without autotuning, whose loop may hold up the end of an iterator by a minute.

    It sleeps for ever longer, up to 60 s, and an iterator that goes away waits for it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _records(file_patterns: Sequence[str]) -> tf.data.TFRecordDataset:
    """Return serialized examples. ExampleGen components write gzip, and name their files so."""
    files = sorted(path for pattern in file_patterns for path in tf.io.gfile.glob(pattern))
    return tf.data.TFRecordDataset(files, "GZIP" if files[0].endswith(".gz") else "")
