"""Holds the records of a data set against the recipe's features and classes."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import tensorflow as tf

from components.digest import code_digest
from models import preprocessing
from models.registry import load_learning, load_task
from pipeline.checks import record_faults
from pipeline.checks.record_faults import Found, feature_spec, find_faults
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from tfrecords import storage
from tfrecords.errors import DataError, listed
from tfrecords.shards import verify_shards

_MEMORY = "checked-records.json"


def check_records(settings: Settings, recipe: Recipe) -> str:
    """Decode every record of both splits; of remote shards the first of each split.

    What was found good is kept in PIPELINE_ROOT, and believed while shards, slices, classes and the
    code that reads them are what they were.

    Args:
        settings: where the data are.
        recipe: with slices and classes.

    Returns:
        What was found good.

    Raises:
        DataError: records do not fit, the first of which are named; or a class that has a floor is
            in no mask of the validation split.
    """
    patterns = {
        split: storage.join(settings.data_root, name)
        for split, name in recipe.split_patterns.items()
    }
    try:
        total = sum(map(verify_shards, patterns.values()))
    except (DataError, OSError):
        return "records: none is read before the shards are whole"  # why not is said elsewhere
    shards = {split: storage.glob(pattern) for split, pattern in patterns.items()}
    if storage.is_remote(settings.data_root):
        first = {split: list(files)[:1] for split, files in shards.items()}
        _refuse_faults(find_faults(first, recipe, len(first), limit=1), recipe)
        _refuse_unseen(recipe, _classes_by_label(list(shards["eval"]), recipe), patterns["eval"])
        return f"first records fit recipe {recipe.name}, and no others are read over the network"
    memory = Path(settings.pipeline_root) / _MEMORY
    key = _key(shards, recipe)
    found = _recall(memory, key)
    if found is None:
        found = find_faults({split: list(files) for split, files in shards.items()}, recipe, total)
        _refuse_faults(found, recipe)
        _remember(memory, key, found)
    _refuse_unseen(recipe, [found.classes], patterns["eval"])
    return f"all {total} records fit recipe {recipe.name}{_tell_resizing(found, recipe.image_size)}"


def _tell_resizing(found: Found, image_size: int) -> str:
    """Say which sizes of images are resized to that of the network; empty if none is."""
    if set(found.sizes) <= {(image_size, image_size)}:
        return ""
    sizes = dict.fromkeys(f"{width}x{height}" for height, width in found.sizes)
    return f"; their images, {' to '.join(sizes)} pixels, are resized to {image_size}x{image_size}"


def _refuse_faults(found: Found, recipe: Recipe) -> None:
    if not found.bad:
        return
    more = found.bad - len(found.faults)
    heading = (
        f"{found.bad} of {found.records} records do not fit recipe {recipe.name}; write the "
        "data set again with tfrecords/, or correct the recipe's slices, class_names or "
        "ignore_label:"
    )
    raise DataError(listed(heading, found.faults + ([f"and {more} more"] if more else [])))


def _refuse_unseen(recipe: Recipe, labels: Iterable[set[int]], pattern: str) -> None:
    """Raise DataError if a class that has a limit is in none of some sets of class ids."""
    measured = load_task(recipe.task).measured(recipe.class_names)
    judged = {measured[key].of_class for key in recipe.gate.limits}
    unseen = {index: name for index, name in enumerate(recipe.class_names) if name in judged}
    if not unseen:
        return
    for seen in labels:
        unseen = {index: name for index, name in unseen.items() if index not in seen}
        if not unseen:
            return
    raise DataError(
        f"{' and '.join(unseen.values())} does not occur in {pattern}, so what the gate limits of "
        "it could not be judged; add images of it, or leave its limits out of the recipe."
    )


def _classes_by_label(paths: list[str], recipe: Recipe) -> Iterator[set[int]]:
    """Yield the classes of each label of some shards."""
    learning = load_learning(recipe.task)
    spec = {preprocessing.LABEL: feature_spec(recipe)[preprocessing.LABEL]}
    try:
        for record in tf.data.TFRecordDataset(paths):
            raw = tf.io.parse_single_example(record, spec)[preprocessing.LABEL]
            label = learning.describe_label(raw)
            yield learning.find_classes({name: part.numpy() for name, part in label.items()})
    except tf.errors.OpError as error:
        raise DataError(
            f"The labels of {', '.join(paths)} cannot be read: {record_faults.reason(error)}; "
            "write the data set again with tfrecords/."
        ) from error


def _key(shards: dict[str, dict[str, int]], recipe: Recipe) -> str:
    """Return a digest of what decides whether the records fit."""
    parts = [
        [(path, size, os.stat(path).st_mtime_ns) for path, size in files.items()]
        for files in shards.values()
    ]
    code = [Path(record_faults.__file__).read_text(), code_digest(recipe.task)]
    classes = [recipe.task, len(recipe.class_names), recipe.ignore_label]
    told = [parts, sorted(recipe.slices), classes]
    return hashlib.sha256(json.dumps([told, code]).encode()).hexdigest()


def _recall(memory: Path, key: str) -> Found | None:
    """Return what these very records hold, if they were found good before."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(memory.read_text())
        if told["key"] == key:
            sizes = [(height, width) for height, width in told["sizes"]]
            return Found(classes=set(told["classes"]), sizes=sizes)
    return None


def _remember(memory: Path, key: str, found: Found) -> None:
    """Keep what was found; where PIPELINE_ROOT cannot be written, another check says so."""
    told = {"key": key, "classes": sorted(found.classes), "sizes": found.sizes}
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        part = memory.with_name(f"{memory.name}.{os.getpid()}")
        part.write_text(json.dumps(told))
        part.replace(memory)
