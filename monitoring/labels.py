"""True labels of logged answers, as a CSV file has them."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from models.reference.features import measure_size
from models.task import Classes, LabelType
from monitoring.watched import Watched
from serving.errors import ServingError

_COLUMNS = {"id", "label"}
_TYPES: dict[LabelType, tf.DType] = {"bytes": tf.string, "int": tf.int64, "float": tf.float32}


def read_labels(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Read a CSV file of the columns `id` and `label`.

    Returns:
        Labels by id, and ids that occur more than once, by what that means.

    Raises:
        ServingError: it is no such file.
    """
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        if not set(rows.fieldnames or ()) >= _COLUMNS:
            raise ServingError(f"{path} has no columns id and label: write them as its first line.")
        pairs = [((row["id"] or "").strip(), (row["label"] or "").strip()) for row in rows]
    except OSError as error:
        raise ServingError(f"{path} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ServingError(f"{path} is no CSV file in UTF-8 ({error}).") from error
    labels: dict[str, set[str]] = {}
    for name, label in pairs:
        labels.setdefault(name, set()).add(label)
    times = Counter(name for name, _ in pairs)
    unsure = [name for name, told in labels.items() if len(told) > 1]
    kept = {name: told.pop() for name, told in labels.items() if len(told) == 1}
    return kept, {
        "are there more than once, and counted once": [name for name in kept if times[name] > 1],
        "have labels that differ": unsure,
    }


def decode_label(label: str, image: bytes, watched: Watched, folder: Path) -> tf.Tensor:
    """Return a label as networks train with it, at its own size.

    Args:
        label: as the file has it: the name or the id of a class, a number, or the path of a mask.
        image: that it is of, JPEG or PNG.
        watched: the model that it is for.
        folder: that paths begin in.

    Raises:
        ValueError: it is none of the model's, in words.
    """
    learning, names = watched.learning, watched.provenance.class_names
    raw = _read_value(label, watched, folder)
    width, height = measure_size(image)
    try:
        tensor = tf.constant(raw, _TYPES[watched.task.label_type])
        told = {key: value.numpy() for key, value in learning.describe_label(tensor).items()}
    except (tf.errors.InvalidArgumentError, OverflowError) as error:
        raise ValueError(f"{label[:80]!r} cannot be decoded") from error
    fault = learning.find_fault(told, np.array([height, width], np.int32), Classes(names))
    if fault:
        raise ValueError(fault)
    return learning.decode_label(tensor)


def _read_value(label: str, watched: Watched, folder: Path) -> Any:
    """Return a label as it would lie in a record."""
    kind, names = watched.task.label_type, watched.provenance.class_names
    if kind == "float":
        return float(label)
    if kind == "bytes":
        try:
            return (folder / label).read_bytes()
        except (OSError, ValueError) as error:
            raise ValueError(f"the mask {label[:80]!r} cannot be read") from error
    if label in names:
        return names.index(label)
    if label.isdecimal():
        return int(label)
    raise ValueError(f"{label[:80]!r} is none of {', '.join(names)}")
