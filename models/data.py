"""The training input: TFRecord shards through Transform's graph into batches."""

import logging

import psutil
import tensorflow as tf
import tensorflow_transform as tft

from models import preprocessing
from models.augmentation import augment

# A split is decoded once and kept in memory, as uint8, when it takes at most this share of the
# memory that is free when training starts; a larger one is decoded again every epoch.
_CACHE_SHARE = 0.25
_PARALLEL_CALLS = psutil.cpu_count()
_PREFETCHED = 2


def load_split(
    file_patterns: list[str], transform_output: tft.TFTransformOutput, num_examples: int
) -> tf.data.Dataset:
    """Reads a split once, in the order of its shards.

    Args:
        file_patterns: where its shards are, plain or gzip.
        transform_output: Transform's artifact.
        num_examples: how many examples the shards hold.

    Returns:
        A finite dataset of pairs: image uint8 [S, S, 3] in 0..255, mask uint8 [S, S] of class ids.

    Raises:
        tf.errors.DataLossError: while iterating, if a shard is truncated.
        tf.errors.FailedPreconditionError: while iterating, if there are more or fewer examples.
    """
    raw_spec = transform_output.raw_feature_spec()
    spec = {name: raw_spec[name] for name in preprocessing.RAW_FEATURES}
    transform = transform_output.transform_features_layer()

    def image_and_mask(example: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = transform(tf.io.parse_example(example[tf.newaxis], spec))
        return (
            tf.cast(features[preprocessing.IMAGE][0], tf.uint8),
            tf.cast(features[preprocessing.LABEL][0], tf.uint8),
        )

    files = sorted(path for pattern in file_patterns for path in tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, compression_type=_compression(files))
    dataset = records.map(image_and_mask, num_parallel_calls=_PARALLEL_CALLS, deterministic=True)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(num_examples))
    image_spec, mask_spec = dataset.element_spec
    size = num_examples * (image_spec.shape.num_elements() + mask_spec.shape.num_elements())
    if size <= _CACHE_SHARE * psutil.virtual_memory().available:
        return dataset.cache()
    logging.info("%.1f GB of decoded pixels do not fit in memory: decoding every epoch", size / 1e9)
    return dataset


def training_batches(
    split: tf.data.Dataset,
    batch_size: int,
    seed: int,
    augmentation: float = 0.0,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Shuffled, augmented, endless batches.

    Args:
        split: as `load_split` gives it.
        batch_size: B.
        seed: decides order and augmentation.
        augmentation: magnitude for `models.augmentation.augment`.
        first_step: batches to leave out: a resumed training goes on with the batch that an
            uninterrupted one would have taken next.

    Returns:
        Pairs of float32 [B, S, S, 3] in 0..255 and uint8 [B, S, S].
    """
    shuffled = split.shuffle(1024, seed=seed, reshuffle_each_iteration=True).repeat()
    batches = shuffled.batch(batch_size, drop_remainder=True)
    # One seed a batch: a stateful generator would deal its numbers to whichever batch comes first.
    seeds = tf.data.Dataset.random(seed=seed).batch(2)
    return (
        tf.data.Dataset.zip(batches, seeds)
        .skip(first_step)
        .map(
            lambda pair, batch_seed: augment(
                tf.cast(pair[0], tf.float32), pair[1], batch_seed, augmentation
            ),
            num_parallel_calls=_PARALLEL_CALLS,
        )
        .prefetch(_PREFETCHED)
        .with_options(_options())
    )


def evaluation_batches(split: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    """Every example once, in order: (float32 [B, S, S, 3], uint8 [B, S, S])."""
    batches = split.batch(batch_size)
    batches = batches.map(lambda images, masks: (tf.cast(images, tf.float32), masks))
    return batches.prefetch(_PREFETCHED).with_options(_options())


def _options() -> tf.data.Options:
    """Without autotuning, whose loop may hold up the end of an iterator by a minute.

    It sleeps for ever longer, up to 60 s, and an iterator that goes away waits for it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def _compression(files: list[str]) -> str:
    """ExampleGen components write gzip, and name their files so."""
    return "GZIP" if files[0].endswith(".gz") else ""
