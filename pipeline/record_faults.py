"""What is wrong with the records of shards, found by decoding each as the run will."""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from rich.console import Console
from rich.progress import Progress
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from models import preprocessing
from models.examples import text
from pipeline.recipe import Recipe
from tfrecords.errors import DataError
from tfrecords.shards import read_records

_SHOWN = 10
_MASK_VALUES = 256
# A PNG's signature and first chunk: width, height, bits of a channel, kind of pixels.
_PNG_START = struct.Struct(">8s8xIIBB")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KINDS = {2: "RGB", 3: "palette", 4: "grey and alpha", 6: "RGB and alpha"}  # 0: one channel
_CONVERT = "convert it with `python -m tfrecords.sources.masks`"


@dataclass
class Found:
    """What records hold.

    Attributes:
        records: how many were read.
        values: those of the validation masks.
        bad: how many records do not fit.
        faults: which and why, of the first `_SHOWN` of them.
    """

    records: int = 0
    values: set[int] = field(default_factory=set)
    bad: int = 0
    faults: list[str] = field(default_factory=list)

    def add_fault(self, describe: Callable[[], str]) -> None:
        """Counts a record that does not fit, and keeps what is wrong with the first ones."""
        self.bad += 1
        if len(self.faults) < _SHOWN:
            self.faults.append(describe())


class _Decoded(NamedTuple):
    """What is judged of a record that can be decoded.

    Attributes:
        image_size: int32 [2], height and width.
        mask_size: likewise.
        png_start: the first bytes of the encoded mask.
        held: bool [256], which values the mask holds.
    """

    image_size: np.ndarray
    mask_size: np.ndarray
    png_start: bytes
    held: np.ndarray


def find_faults(
    shards: dict[str, list[str]], recipe: Recipe, total: int, limit: int | None = None
) -> Found:
    """Reads records on all cores, with a bar on a terminal.

    Args:
        shards: paths by split, as the pipeline calls it.
        recipe: with the schema and the classes.
        total: how many records will be read, for the bar.
        limit: read no more of each shard.
    """
    schema = text_format.Parse(recipe.schema_file.read_text(), schema_pb2.Schema())
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec
    found = Found()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Checking records", total=total)
        for split, paths in shards.items():
            for path in paths:
                for values in _read_shard(path, spec, recipe, limit, found):
                    bar.advance(task)
                    if split == "eval":
                        found.values |= values
    return found


def _read_shard(
    path: str, spec: dict[str, Any], recipe: Recipe, limit: int | None, found: Found
) -> Iterator[set[int]]:
    """Adds a shard's records and faults; yields the values of each mask."""
    pairs = zip(_decode_all(path, spec, limit), read_records(path), strict=False)
    try:
        for number, (decoded, record) in enumerate(pairs):
            found.records += 1
            fault = _judge(decoded, recipe) if decoded else "it cannot be decoded"
            if fault:
                place = f"{path}, record {number}"
                found.add_fault(partial(_told, place, record, spec, fault))
            yield set(np.flatnonzero(decoded.held).tolist()) if decoded else set()
    except DataError as error:  # a checksum is wrong: what follows is not read
        found.records += 1
        found.add_fault(partial(str, error))


def _decode_all(path: str, spec: dict[str, Any], limit: int | None) -> Iterator[_Decoded | None]:
    """What TensorFlow makes of each record of a shard, in their order; None of what it refuses."""

    def decode(record: tf.Tensor) -> _Decoded:
        features = tf.io.parse_single_example(record, spec)
        image = preprocessing.decode_image(features[preprocessing.IMAGE])
        mask = preprocessing.decode_mask(features[preprocessing.LABEL])
        values = tf.cast(tf.reshape(mask, [-1]), tf.int32)
        return _Decoded(
            tf.shape(image)[:2],
            tf.shape(mask),
            tf.strings.substr(features[preprocessing.LABEL], 0, _PNG_START.size),
            tf.math.bincount(values, minlength=_MASK_VALUES, maxlength=_MASK_VALUES) > 0,
        )

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


def _judge(decoded: _Decoded, recipe: Recipe) -> str:
    """What is wrong with a record that can be decoded; empty if nothing is."""
    if len(decoded.png_start) < _PNG_START.size or not decoded.png_start.startswith(_PNG_SIGNATURE):
        return f"the mask is no PNG; {_CONVERT}"
    _, _, _, bits, kind = _PNG_START.unpack(decoded.png_start)
    if kind in _PNG_KINDS:
        return f"the mask is a PNG of {_PNG_KINDS[kind]}, not of one channel; {_CONVERT}"
    if bits != 8:
        return f"the mask is a PNG of {bits} bits a pixel, not of 8; {_CONVERT}"
    if decoded.image_size.tolist() != decoded.mask_size.tolist():
        sizes = (f"{width}x{height}" for height, width in (decoded.image_size, decoded.mask_size))
        return "the image is {}, its mask {} pixels".format(*sizes)
    count = len(recipe.class_names)
    known = {*range(count), recipe.ignore_label}
    strange = sorted(set(np.flatnonzero(decoded.held).tolist()) - known)
    if strange:
        more = " and more" if len(strange) > _SHOWN else ""
        held = ", ".join(map(str, strange[:_SHOWN]))
        return f"the mask holds {held}{more}, of {count} class ids"
    return ""


def _told(place: str, record: bytes, spec: dict[str, Any], fault: str) -> str:
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
        what = "mask: "
        preprocessing.decode_mask(features[preprocessing.LABEL])
    except tf.errors.OpError as error:
        fault = what + reason(error)
    except UnicodeDecodeError:  # TensorFlow's message holds bytes of the record
        fault = what + fault
    return f"{place}, {text(example, 'name')!r}: {fault}"


def reason(error: Exception) -> str:
    """An error's first line, without TensorFlow's name for the operation."""
    first = str(getattr(error, "message", error)).splitlines()[0]
    return first.replace("{{function_node __wrapped__", "").split("}} ")[-1]
