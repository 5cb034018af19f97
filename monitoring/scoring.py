"""Scores logged answers by true labels that came later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ValidationError

from monitoring.labels import decode_label, read_labels
from monitoring.routes import compare, count_side
from monitoring.state import write_whole
from monitoring.watched import Watched, find_confidence, tell_other_models
from serving.errors import ServingError
from serving.log.record import Logged

_SCORES = "labels.json"
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
        """Compare the routes, a sentence each."""
        newest = {score.route: score for score in sorted(self.scores, key=lambda one: one.version)}
        return compare(
            {
                name: count_side(name, score.version, score.images, score.right)
                for name, score in newest.items()
                if score.right is not None
            },
            "by true labels",
        )


@dataclass
class _Tally:
    """What was added up of a version and a route."""

    sums: dict[str, Any] = field(default_factory=dict)
    images: int = 0
    estimated: float = 0.0


class _Scoring:
    """Adds up what answers are worth.

    Args:
        labels: true ones, by id.
        folder: that masks lie in, where labels are files.
    """

    def __init__(self, labels: Mapping[str, str], folder: Path) -> None:
        self._labels, self._folder = labels, folder
        self._tallies: dict[tuple[int, str], _Tally] = {}
        self._counters: dict[int, Any] = {}
        self._found: set[tuple[str, str]] = set()
        self._wrong: dict[str, str] = {}

    def add(self, logged: Logged, watched: Watched) -> None:
        """Score an answer, if it has a label and was not scored before."""
        label = self._labels.get(logged.id)
        if label is None or (logged.id, logged.route) in self._found:
            return
        self._found.add((logged.id, logged.route))
        confidence = find_confidence(watched.describe(logged.outputs))
        try:
            truth = decode_label(label, logged.image, watched, self._folder)
        except ValueError as error:
            self._wrong[logged.id] = str(error)
            return
        tally = self._tallies.setdefault((logged.version, logged.route), _Tally())
        tally.images += 1
        tally.estimated += confidence or 0.0
        for name, count in self._counter(watched)(truth, logged.outputs).items():
            tally.sums[name] = tally.sums.get(name, 0.0) + np.asarray(count, np.float64)

    def finish(self, watched: Mapping[int, Watched], unused: Mapping[str, list[str]]) -> Scores:
        """Make figures of what was added up; `unused` is what was known of the file before."""
        found = {name for name, _ in self._found}
        told = {
            **unused,
            "are not in the log": [name for name in self._labels if name not in found],
            "are no labels of this model": [f"{name}: {why}" for name, why in self._wrong.items()],
        }
        return Scores(
            scores=[
                _score(watched[version], route, tally)
                for (version, route), tally in sorted(self._tallies.items(), key=lambda one: one[0])
            ],
            unused={reason: names for reason, names in told.items() if names},
        )

    def _counter(self, watched: Watched) -> Any:
        if watched.number not in self._counters:
            self._counters[watched.number] = _make_counter(watched)
        return self._counters[watched.number]


def _make_counter(watched: Watched) -> Any:
    """Count answers as those of a model for the edge, which have the same form."""
    learning, config = watched.learning, watched.provenance
    count = learning.edge_counter(config)
    if watched.task.draws_classes:
        return lambda truth, told: count(truth, learning.decode_label(told[_MASK]).numpy())
    output, _ = learning.edge_head(config.image_size, config.num_outputs)
    return lambda truth, told: count(truth, told[output])


def _score(watched: Watched, route: str, tally: _Tally) -> Score:
    task = watched.task
    figures = watched.learning.figures(tally.sums, watched.provenance.class_names)
    return Score(
        version=watched.number,
        route=route,
        images=tally.images,
        figures={
            one.title: float(figures[name]) if np.isfinite(figures[name]) else None
            for name, one in task.headline(()).items()
        },
        right=round(figures[task.primary] * tally.images) if task.calibrates else None,
        estimated=tally.estimated if watched.estimates else None,
    )


def score(
    records: Iterable[Logged], watched: Mapping[int, Watched], labels: Path, model: str
) -> Scores:
    """Score a log by a file of labels.

    Args:
        records: of the log.
        watched: the versions that are scored.
        labels: a CSV file.
        model: its name in the log.

    Raises:
        ServingError: the file is none of labels, or the log is of another model.
    """
    known, unused = read_labels(labels)
    scoring = _Scoring(known, labels.parent)
    names = set()
    for logged in records:
        names.add(logged.model)
        if logged.model == model and logged.version in watched:
            scoring.add(logged, watched[logged.version])
    if names and model not in names:
        raise ServingError(tell_other_models(names, model))
    return scoring.finish(watched, unused)


def load_scores(folder: Path) -> Scores:
    """Return the scores that were made last; none at first, or where they cannot be read."""
    try:
        return Scores.model_validate_json((folder / _SCORES).read_bytes())
    except (OSError, ValidationError):
        return Scores()


def save_scores(folder: Path, scores: Scores) -> None:
    """Replace them, in one step."""
    write_whole(folder / _SCORES, scores.model_dump_json())
