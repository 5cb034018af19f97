"""Scores logged answers by true labels that came later."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image
from pydantic import BaseModel, ValidationError

from models.task import Classes
from monitoring.routes import compare, count_side
from monitoring.state import write_whole
from monitoring.watched import Watched, find_confidence
from serving.errors import ServingError
from serving.log.reader import Logged

_SCORES = "labels.json"
_COLUMNS = ["id", "label"]
_MASK = "mask_png_bytes"  # of tasks whose answers are pictures


class Score(BaseModel):
    """How right a version was, by a route.

    Attributes:
        version: which answered.
        route: the label by which it was asked.
        images: how many have a true label.
        figures: the task's metrics of all classes together that sum a model up, by title.
        right: how many answers are right; None where answers are not right or wrong.
        estimated: sum of what the model took for the probabilities of being right.
    """

    version: int
    route: str
    images: int
    figures: dict[str, float | None]
    right: int | None
    estimated: float | None


class Scores(BaseModel):
    """What came of a file of labels.

    Attributes:
        scores: by version and route.
        unused: ids of labels that were not used, by the reason.
    """

    scores: list[Score] = []
    unused: dict[str, list[str]] = {}

    def compare(self) -> list[str]:
        """Compares the routes, a sentence each."""
        newest = {score.route: score for score in sorted(self.scores, key=lambda one: one.version)}
        return compare(
            {
                name: count_side(name, score.version, score.images, score.right)
                for name, score in newest.items()
                if score.right is not None
            },
            "by true labels",
        )


def read_labels(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Reads a CSV file of the columns `id` and `label`.

    Returns:
        Labels by id, and ids that occur more than once, by what that means.

    Raises:
        ServingError: it is no such file.
    """
    try:
        rows = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig")))
        if not set(_COLUMNS) <= set(rows.fieldnames or ()):
            raise ServingError(f"{path} has no columns id and label: write them as its first line.")
        pairs = [(str(row["id"] or "").strip(), str(row["label"] or "").strip()) for row in rows]
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


class Scoring:
    """Adds up what answers are worth.

    Args:
        labels: true ones, by id.
        folder: that masks lie in, where labels are files.
    """

    def __init__(self, labels: Mapping[str, str], folder: Path) -> None:
        self._labels, self._folder = labels, folder
        self._sums: dict[tuple[int, str], dict[str, npt.NDArray[np.float64]]] = {}
        self._images: dict[tuple[int, str], int] = {}
        self._estimated: dict[tuple[int, str], float] = {}
        self._counters: dict[int, Any] = {}
        self._found: set[tuple[str, str]] = set()
        self._wrong: dict[str, str] = {}

    def add(self, logged: Logged, watched: Watched) -> None:
        """Scores an answer, if it has a label and was not scored before.

        Raises:
            ServingError: the answer is not of this model.
        """
        label = self._labels.get(logged.id)
        if label is None or (logged.id, logged.route) in self._found:
            return
        self._found.add((logged.id, logged.route))
        answer = watched.describe(logged.outputs)
        try:
            truth = _read_label(label, logged.image, watched, self._folder)
        except ValueError as error:
            self._wrong[logged.id] = str(error)
            return
        key = logged.version, logged.route
        counts = self._count(watched, truth, logged.outputs)
        sums = self._sums.setdefault(
            key, {name: np.zeros_like(one) for name, one in counts.items()}
        )
        for name, count in counts.items():
            sums[name] = sums[name] + count
        self._images[key] = self._images.get(key, 0) + 1
        self._estimated[key] = self._estimated.get(key, 0.0) + (find_confidence(answer) or 0.0)

    def finish(self, watched: Mapping[int, Watched], unused: Mapping[str, list[str]]) -> Scores:
        """Makes figures of what was added up.

        Args:
            watched: the versions.
            unused: what was known of the file before.
        """
        found = {name for name, _ in self._found}
        told = {
            **unused,
            "are not in the log": [name for name in self._labels if name not in found],
            "are no labels of this model": [f"{name}: {why}" for name, why in self._wrong.items()],
        }
        return Scores(
            scores=[self._score(watched[key[0]], key) for key in sorted(self._sums)],
            unused={reason: names for reason, names in told.items() if names},
        )

    def _count(
        self, watched: Watched, truth: tf.Tensor, outputs: Mapping[str, npt.NDArray[np.generic]]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """An answer's counts, as those of a model for the edge are made."""
        config, learning = watched.provenance, watched.learning
        if watched.number not in self._counters:
            output = (
                ""
                if watched.task.draws_classes
                else learning.edge_head(config.image_size, config.num_outputs)[0]
            )
            self._counters[watched.number] = output, learning.edge_counter(config)
        output, count = self._counters[watched.number]
        told = outputs[output][0] if output else learning.decode_label(outputs[_MASK][0]).numpy()
        return {name: np.asarray(value, np.float64) for name, value in count(truth, told).items()}

    def _score(self, watched: Watched, key: tuple[int, str]) -> Score:
        names, task = watched.provenance.class_names, watched.task
        figures = watched.learning.figures(self._sums[key], names)
        return Score(
            version=key[0],
            route=key[1],
            images=self._images[key],
            figures={
                one.title: float(figures[name]) if np.isfinite(figures[name]) else None
                for name, one in task.headline(()).items()
            },
            right=round(figures[task.primary] * self._images[key]) if task.calibrates else None,
            estimated=self._estimated[key] if watched.estimates else None,
        )


def _read_label(label: str, image: bytes, watched: Watched, folder: Path) -> tf.Tensor:
    """A label of the file, decoded.

    Raises:
        ValueError: it is none of the model's.
    """
    names = watched.provenance.class_names
    raw: Any
    if watched.task.label_type == "bytes":
        try:
            raw = (folder / label).read_bytes()
        except (OSError, ValueError) as error:
            raise ValueError(f"the mask {label[:80]!r} cannot be read") from error
    elif watched.task.label_type == "int":
        if label not in names and not label.isdecimal():
            raise ValueError(f"{label[:80]!r} is none of {', '.join(names)}")
        raw = names.index(label) if label in names else int(label)
    else:
        raw = float(label)
    with Image.open(io.BytesIO(image)) as opened:
        size = np.array([opened.height, opened.width], np.int32)
    try:
        tensor = tf.constant(
            raw, {"bytes": tf.string, "int": tf.int64}.get(watched.task.label_type, tf.float32)
        )
        described = watched.learning.describe_label(tensor)
        fault = watched.learning.find_fault(
            {name: value.numpy() for name, value in described.items()}, size, Classes(names)
        )
    except (tf.errors.InvalidArgumentError, OverflowError) as error:
        raise ValueError("it cannot be decoded") from error
    if fault:
        raise ValueError(fault)
    return watched.learning.decode_label(tensor)


def score(
    records: Iterable[Logged], watched: Mapping[int, Watched], labels: Path, model: str
) -> Scores:
    """Scores a log by a file of labels.

    Args:
        records: of the log.
        watched: the versions that are scored.
        labels: a CSV file.
        model: its name in the log.

    Raises:
        ServingError: the file is none of labels, or the log is of another model.
    """
    known, unused = read_labels(labels)
    scoring = Scoring(known, labels.parent)
    for logged in records:
        if logged.model == model and logged.version in watched:
            scoring.add(logged, watched[logged.version])
    return scoring.finish(watched, unused)


def load_scores(folder: Path) -> Scores:
    """The scores that were made last; none at first, or where they cannot be read."""
    try:
        return Scores.model_validate_json((folder / _SCORES).read_bytes())
    except (OSError, ValidationError):
        return Scores()


def save_scores(folder: Path, scores: Scores) -> None:
    """Replaces them, in one step."""
    write_whole(folder / _SCORES, scores.model_dump_json())
