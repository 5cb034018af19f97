"""What is wrong with the records of shards, found by decoding each as the run will."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from rich.console import Console
from rich.progress import Progress
from tensorflow_transform.tf_metadata import schema_utils

from components.artifacts.examples import text
from models import preprocessing
from models.registry import load_learning, load_task
from models.task import Learning
from pipeline.recipe import Recipe
from pipeline.schema import examples_schema
from tfrecords.errors import DataError
from tfrecords.shards import read_records

_SHOWN = 10


@dataclass
class Found:
    """What records hold.

    Attributes:
        records: how many were read.
        classes: ids of those that occur in the validation split.
        sizes: height and width in pixels of the smallest and of the largest image, by their areas.
        bad: how many records do not fit.
        faults: which and why, of the first `_SHOWN` of them.
    """

    records: int = 0
    classes: set[int] = field(default_factory=set)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    bad: int = 0
    faults: list[str] = field(default_factory=list)

    def add_size(self, size: npt.NDArray[np.int32]) -> None:
        """Take note of an image's height and width."""
        height, width = map(int, size)
        ordered = sorted([*self.sizes, (height, width)], key=lambda size: (size[0] * size[1], size))
        self.sizes = [ordered[0], ordered[-1]]

    def add_fault(self, describe: Callable[[], str]) -> None:
        """Count a record that does not fit, and keep what is wrong with the first ones."""
        self.bad += 1
        if len(self.faults) < _SHOWN:
            self.faults.append(describe())


def find_faults(
    shards: dict[str, list[str]], recipe: Recipe, total: int, limit: int | None = None
) -> Found:
    """Read records on all cores, with a bar on a terminal.

    Args:
        shards: paths by split, as the pipeline calls it.
        recipe: with slices and classes.
        total: how many records will be read, for the bar.
        limit: read no more of each shard.
    """
    spec = feature_spec(recipe)
    found = Found()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Checking records", total=total)
        for split, paths in shards.items():
            for path in paths:
                for classes in _read_shard(path, spec, recipe, limit, found):
                    bar.advance(task)
                    if split == "eval":
                        found.classes |= classes
    return found


def feature_spec(recipe: Recipe) -> dict[str, Any]:
    """Tell how an example is parsed, by feature."""
    schema = examples_schema(recipe.slices, load_task(recipe.task).label_type)
    return schema_utils.schema_as_feature_spec(schema).feature_spec


def _read_shard(
    path: str, spec: dict[str, Any], recipe: Recipe, limit: int | None, found: Found
) -> Iterator[set[int]]:
    """Add a shard's records and faults; yield the classes of each label."""
    learning = load_learning(recipe.task)
    pairs = zip(_decode_all(path, spec, learning, limit), read_records(path), strict=False)
    try:
        for number, (decoded, record) in enumerate(pairs):
            found.records += 1
            fault, classes = "it cannot be decoded", set()
            if decoded:
                size, label = decoded
                found.add_size(size)
                fault = learning.find_fault(label, size, recipe.classes)
                classes = learning.find_classes(label)
            if fault:
                place = f"{path}, record {number}"
                found.add_fault(partial(_told, place, record, spec, learning, fault))
            yield classes
    except DataError as error:  # a checksum is wrong: what follows is not read
        found.records += 1
        found.add_fault(partial(str, error))


def _decode_all(
    path: str, spec: dict[str, Any], learning: Learning, limit: int | None
) -> Iterator[tuple[Any, dict[str, Any]] | None]:
    """Yield what TensorFlow makes of each record of a shard, in order; None for a refused one.

    Yields:
        Height and width of the image, int32 [2], and what the task says of the label.
    """

    def decode(record: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        features = tf.io.parse_single_example(record, spec)
        image = preprocessing.decode_image(features[preprocessing.IMAGE])
        label = learning.describe_label(features[preprocessing.LABEL])
        return tf.shape(image)[:2], label

    options = tf.data.Options()
    options.autotune.enabled = False  # its loop may hold up the end of an iterator
    records = tf.data.TFRecordDataset(path).take(-1 if limit is None else limit)
    records = records.map(decode, num_parallel_calls=os.cpu_count()).with_options(options)
    iterator = records.as_numpy_iterator()
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        # Of this record: the iterator goes on with the next one. The latter where the message holds
        # bytes of it.
        except (tf.errors.OpError, UnicodeDecodeError):
            yield None


def _told(place: str, record: bytes, spec: dict[str, Any], learning: Learning, fault: str) -> str:
    """Where and which a record is, and its fault: what TensorFlow says, if it cannot decode it."""
    try:
        example = tf.train.Example.FromString(record)
    except Exception:  # protobuf's DecodeError differs between its backends
        return f"{place}: it is no tf.train.Example"
    what = ""
    try:
        features = tf.io.parse_single_example(record, spec)
        what = "image: "
        preprocessing.decode_image(features[preprocessing.IMAGE])
        what = "label: "
        learning.decode_label(features[preprocessing.LABEL])
    except tf.errors.OpError as error:
        fault = what + reason(error)
    except UnicodeDecodeError:  # TensorFlow's message holds bytes of the record
        fault = what + fault
    return f"{place}, {text(example, 'name')!r}: {fault}"


def reason(error: Exception) -> str:
    """Return an error's first line, without TensorFlow's name for the operation."""
    first = str(getattr(error, "message", error)).splitlines()[0]
    return first.replace("{{function_node __wrapped__", "").split("}} ")[-1]
