"""Holds the records of a data set against the schema and the recipe's classes."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import tensorflow as tf

from models import preprocessing
from pipeline import record_faults
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from pipeline.record_faults import Found, find_faults
from tfrecords import storage
from tfrecords.dataset import SPLIT_PATTERNS
from tfrecords.errors import DataError, listed
from tfrecords.shards import verify_shards

_MEMORY = "checked-records.json"


def check_records(settings: Settings, recipe: Recipe) -> str:
    """Decodes every record of both splits; of remote shards the first of each split.

    What was found good is kept in PIPELINE_ROOT, and believed while shards, schema, classes and the
    code that reads them are what they were.

    Args:
        settings: where the data are.
        recipe: with the schema and the classes.

    Returns:
        What was found good.

    Raises:
        DataError: records do not fit, the first of which are named; or a class that has a floor is
            in no mask of the validation split.
    """
    patterns = {
        split: storage.join(settings.data_root, name) for split, name in SPLIT_PATTERNS.items()
    }
    try:
        total = sum(map(verify_shards, patterns.values()))
    except (DataError, OSError):
        return "records: none is read before the shards are whole"  # why not is said elsewhere
    shards = {split: storage.glob(pattern) for split, pattern in patterns.items()}
    schema = recipe.schema_file.name
    if storage.is_remote(settings.data_root):
        first = {split: list(files)[:1] for split, files in shards.items()}
        _refuse_faults(find_faults(first, recipe, len(first), limit=1), schema)
        _refuse_unseen(recipe, _values_by_mask(list(shards["eval"])), patterns["eval"])
        return f"first records fit {schema}, and no others are read over the network"
    memory = Path(settings.pipeline_root) / _MEMORY
    key = _key(shards, recipe)
    values = _recall(memory, key)
    if values is None:
        found = find_faults({split: list(files) for split, files in shards.items()}, recipe, total)
        _refuse_faults(found, schema)
        values = found.values
        _remember(memory, key, values)
    _refuse_unseen(recipe, [values], patterns["eval"])
    return f"all {total} records fit {schema}"


def _refuse_faults(found: Found, schema: str) -> None:
    if not found.bad:
        return
    more = found.bad - len(found.faults)
    heading = (
        f"{found.bad} of {found.records} records do not fit {schema} and the recipe's classes; "
        "write the data set again with tfrecords/, or correct the recipe's class_names or "
        "ignore_label:"
    )
    raise DataError(listed(heading, found.faults + ([f"and {more} more"] if more else [])))


def _refuse_unseen(recipe: Recipe, values: Iterable[set[int]], pattern: str) -> None:
    """Raises DataError if a class that has a floor is in none of some sets of values."""
    unseen = {
        index: name
        for index, name in enumerate(recipe.class_names)
        if recipe.gate.min_class_iou[name] > 0
    }
    for seen in values:
        unseen = {index: name for index, name in unseen.items() if index not in seen}
        if not unseen:
            return
    raise DataError(
        f"{' and '.join(unseen.values())} does not occur in {pattern}, so the floor of its IoU "
        "could not be judged; add images of it, or set its floor to 0 in the recipe."
    )


def _values_by_mask(paths: list[str]) -> Iterator[set[int]]:
    """The values of each mask of some shards."""
    spec = {preprocessing.LABEL: tf.io.FixedLenFeature([], tf.string)}
    try:
        for record in tf.data.TFRecordDataset(paths):
            mask = tf.io.parse_single_example(record, spec)[preprocessing.LABEL]
            yield set(np.unique(preprocessing.decode_mask(mask)).tolist())
    except tf.errors.OpError as error:
        raise DataError(
            f"The masks of {', '.join(paths)} cannot be read: {record_faults.reason(error)}; write "
            "the data set again with tfrecords/."
        ) from error


def _key(shards: dict[str, dict[str, int]], recipe: Recipe) -> str:
    """A digest of what decides whether the records fit."""
    parts = [
        [(path, size, os.stat(path).st_mtime_ns) for path, size in files.items()]
        for files in shards.values()
    ]
    code = Path(record_faults.__file__).read_text()
    classes = [len(recipe.class_names), recipe.ignore_label]
    told = [parts, recipe.schema_file.read_text(), classes]
    return hashlib.sha256(json.dumps([told, code]).encode()).hexdigest()


def _recall(memory: Path, key: str) -> set[int] | None:
    """The values of the validation masks, if these very records were found good before."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(memory.read_text())
        if told["key"] == key:
            return set(told["values"])
    return None


def _remember(memory: Path, key: str, values: set[int]) -> None:
    """Keeps what was found; where PIPELINE_ROOT cannot be written, another check says so."""
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        part = memory.with_name(f"{memory.name}.{os.getpid()}")
        part.write_text(json.dumps({"key": key, "values": sorted(values)}))
        part.replace(memory)
