"""Asks a model about every image, and keeps its answers and its scores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import preprocessing
from models.task import Classes
from pipeline.inference.data import Files, Labelled
from pipeline.inference.model import ExportedModel
from pipeline.inference.results import Results
from tfrecords.errors import DataError
from tfrecords.images import ImageFault
from tfrecords.naming import show

_BATCH = 16


@dataclass
class Outcome:
    """What came of all images.

    Attributes:
        images: of each that was answered: its name, its files, and its score where there is one.
        failed: why there is no answer, by the name of the image.
        figures: the task's metrics of all images together; empty where none has a label.
    """

    images: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    figures: dict[str, float | None] = field(default_factory=dict)


def run_on_labelled(
    model: ExportedModel,
    data: Labelled,
    classes: Classes,
    results: Results,
    advance: Callable[[], None],
) -> Outcome:
    """Answer labelled examples as the Evaluator does, and score them as it does.

    Args:
        model: what is asked.
        data: the examples.
        classes: what the labels may hold.
        results: where answers are kept.
        advance: called for each.

    Raises:
        DataError: a label is none of the model's task or classes.
    """
    outcome = Outcome()
    sums: dict[str, npt.NDArray[np.float64]] = {}
    metric = model.task.example_metric
    examples = _open_all(model, data, classes, outcome, advance)
    while batch := list(itertools.islice(examples, _BATCH)):
        judged = model.judge([one.record for one in batch])
        for one, told in zip(batch, judged, strict=True):
            counts = model.counts(told)
            sums = {name: sums.get(name, 0) + count for name, count in counts.items()}
            answer = model.learning.answer(one.image, told, model.config)
            score = _number(model.figures(counts)[metric.key])
            files = results.add(one.name, answer)
            outcome.images.append({"name": one.name, **files, **answer.row, metric.key: score})
            advance()
    if sums:
        outcome.figures = {key: _number(value) for key, value in model.figures(sums).items()}
    return outcome


def run_on_files(
    model: ExportedModel, data: Files, results: Results, advance: Callable[[], None]
) -> Outcome:
    """Answer image files as a server does; one that cannot be used keeps none of the others back.

    Args:
        model: what is asked.
        data: the files.
        results: where answers are kept.
        advance: called for each.
    """
    outcome = Outcome()
    for name, path in data.paths.items():
        try:
            image = data.read(path)
            told = model.serve(image)
        except ImageFault as fault:
            outcome.failed[name] = str(fault)
        except tf.errors.OpError as error:
            outcome.failed[name] = _reason(error)
        else:
            pixels = preprocessing.decode_image(image).numpy()
            answer = model.learning.answer(pixels, told, model.config)
            files = results.add(name, answer)
            outcome.images.append({"name": name, **files, **answer.row})
        advance()
    return outcome


@dataclass(frozen=True)
class _Opened:
    name: str
    record: bytes
    image: npt.NDArray[np.uint8]


def _open_all(
    model: ExportedModel,
    data: Labelled,
    classes: Classes,
    outcome: Outcome,
    advance: Callable[[], None],
) -> Iterator[_Opened]:
    """Yield the examples whose images can be decoded; the others are noted."""
    spec = {
        "name": tf.io.FixedLenFeature([], tf.string, ""),
        preprocessing.IMAGE: tf.io.FixedLenFeature([], tf.string),
        preprocessing.LABEL: tf.io.FixedLenFeature([], _TYPES[model.task.label_type]),
    }
    for number, record in enumerate(data.records()):
        try:
            example = tf.io.parse_single_example(record, spec)
        except tf.errors.OpError as error:
            raise DataError(
                f"Record {number} of {data.place} is no labelled image of {model.task.name} "
                f"({_reason(error)}); name data of this task, or another model."
            ) from None
        name = example["name"].numpy().decode(errors="replace") or f"record-{number}"
        try:
            image = preprocessing.decode_image(example[preprocessing.IMAGE]).numpy()
        except tf.errors.OpError as error:
            outcome.failed[name] = _reason(error)
            advance()
            continue
        _check_label(model, classes, name, example[preprocessing.LABEL], image.shape[:2])
        yield _Opened(name, record, image)


_TYPES = {"bytes": tf.string, "int": tf.int64, "float": tf.float32}


def _check_label(
    model: ExportedModel, classes: Classes, name: str, raw: tf.Tensor, size: tuple[int, ...]
) -> None:
    try:
        label = {key: one.numpy() for key, one in model.learning.describe_label(raw).items()}
        fault = model.learning.find_fault(label, np.asarray(size, np.int32), classes)
    except tf.errors.OpError as error:
        fault = _reason(error)
    if fault:
        raise DataError(
            f"The label of {show(name)} does not fit the model: {fault}; name data of its classes, "
            f"{', '.join(classes.names)}, or another model."
        )


def _reason(error: tf.errors.OpError) -> str:
    """Return what TensorFlow says, without the operation's name and without the image's bytes."""
    text = str(error.message)
    known = [line for line in text.splitlines() if line.strip()] or ["it cannot be read"]
    said = known[0].replace("{{function_node __wrapped__", "").split("}} ")[-1]
    return show(said[:300])


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
