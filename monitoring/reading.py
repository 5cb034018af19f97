"""Counts what is new in the log, window by window."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from models.reference.statistics import Reference, Values
from monitoring.distance import find_thresholds, measure_distance
from monitoring.state import Judged, Route, State, Version, Window
from monitoring.watched import (
    Watched,
    find_confidence,
    find_versions,
    load_named,
    load_watched,
    tell_other_models,
)
from serving.errors import ServingError
from serving.log.files import list_files
from serving.log.reader import read_file
from serving.log.record import Logged

_KEPT = 300  # full windows of each version, and versions, which are shown
_VERSIONS = 5
# Seconds by which an answer may be older than the one before: threads answer side by side.
_ORDER = 1.0
# Routes of answers that share no traffic: nobody got them, or the request named a version.
_APART = ("shadow", "")


class Reading:
    """Reads a log on and on; what it knows of versions is kept between two looks.

    Args:
        log: folder of the log.
        model: a SavedModel, or a folder of versions.
        name: of the model in the log; empty for the recipe's.
        window: images that are compared together.

    Raises:
        ServingError: no version can be watched.
    """

    def __init__(self, log: Path, model: Path, name: str, window: int) -> None:
        self._log, self._model, self._window = log, model, window
        self.watched, self.faults, self.name = load_named(model, name)
        self._thresholds: dict[int, dict[str, float]] = {}

    def read(self, state: State, now: float) -> None:
        """Count what is new.

        Args:
            state: what was counted before, which is changed.
            now: seconds since 1970.

        Raises:
            ServingError: the log is none, or of another model. The state is then of no use.
        """
        if not self._log.is_dir():
            raise ServingError(
                f"There is no folder {self._log}: name that which `visionpipe serve --log` writes."
            )
        files = list_files(self._log)
        # By name, and not up to a place: a clock that was set back names new files before old ones.
        state.files = {path.name: state.files.get(path.name, 0) for path in files}
        for path in files:
            for end, logged in read_file(path, state.files[path.name]):
                state.files[path.name] = end
                self._count(state, logged, now)
        if state.others and not state.images and not state.unknown:
            raise ServingError(tell_other_models(state.others, self.name))
        newest = sorted(state.versions, key=lambda number: state.versions[number].seen)
        state.versions = {number: state.versions[number] for number in newest[-_VERSIONS:]}

    def _find(self, number: int) -> Watched | None:
        """Return a version, looked for once; None of one that cannot be watched."""
        if number not in self.watched and number not in self.faults:
            folder = find_versions(self._model).get(number)
            try:
                if folder is None:
                    raise ServingError(f"Version {number} answered, and is not in {self._model}.")
                self.watched[number] = load_watched(folder, number)
            except ServingError as error:
                self.faults[number] = str(error)
        return self.watched.get(number)

    def _find_thresholds(self, watched: Watched) -> dict[str, float]:
        if watched.number not in self._thresholds:
            found = find_thresholds(watched.reference, self._window)
            self._thresholds[watched.number] = found
        return self._thresholds[watched.number]

    def _count(self, state: State, logged: Logged, now: float) -> None:
        if logged.model != self.name:
            state.others[logged.model] = state.others.get(logged.model, 0) + 1
            return
        # A clock that runs ahead would hide that nothing comes any more.
        seconds = min(logged.seconds, now)
        state.backwards += seconds < state.seen - _ORDER
        state.seen = max(state.seen, seconds)
        watched = self._find(logged.version)
        if watched is None:
            state.unknown[logged.version] = state.unknown.get(logged.version, 0) + 1
            return
        version = state.versions.get(logged.version)
        if version is None or version.reference != watched.digest:
            version = state.versions[logged.version] = Version(reference=watched.digest)
        version.seen = max(version.seen, seconds)
        try:
            inputs, answer = watched.measure(logged.image, logged.outputs)
        except ValueError:
            state.unreadable += 1
            return
        state.images += 1
        if logged.route not in _APART:
            _count_route(state.routes, logged, find_confidence(answer))
        add_values(version.open, watched.reference, {**inputs, **answer}, seconds)
        if version.open.images >= self._window:
            version.thresholds = self._find_thresholds(watched)
            judged = judge(version.open, watched.reference, version.thresholds)
            version.closed = [*version.closed, judged][-_KEPT:]
            version.full += 1
            version.open = Window()


def judge(window: Window, reference: Reference, thresholds: Mapping[str, float]) -> Judged:
    """Compare a full window with the reference.

    Args:
        window: that is full.
        reference: what it is compared with.
        thresholds: the distance of each feature that alarms.
    """
    histograms = reference.features
    distances = {
        name: measure_distance(window.counts[name], histogram)
        for name, histogram in histograms.items()
    }
    means = {name: window.mean(name) for name in histograms}
    return Judged(
        images=window.images,
        begin=window.begin,
        end=window.end,
        distances=distances,
        means={name: mean for name, mean in means.items() if mean is not None},
        alarms=[name for name, far in distances.items() if far > thresholds[name]],
    )


def add_values(window: Window, reference: Reference, values: Values, seconds: float) -> None:
    """Count what was measured of a request that was answered then."""
    window.begin = min(window.begin, seconds) if window.images else seconds
    window.end = max(window.end, seconds)
    window.images += 1
    for name, histogram in reference.features.items():
        value = values[name]
        counts = window.counts.setdefault(name, [0] * len(histogram.counts))
        counts[histogram.find_bin(value)] += 1
        if not isinstance(value, str):
            window.sums[name] = window.sums.get(name, 0.0) + value


def _count_route(routes: dict[str, Route], logged: Logged, confidence: float | None) -> None:
    """Add an answer; all begin again where a label comes, or moves to another version."""
    route = routes.get(logged.route)
    if route is None or route.version != logged.version:
        for name, other in routes.items():
            routes[name] = Route(version=other.version)
        route = routes[logged.route] = Route(version=logged.version)
    route.images += 1
    if confidence is not None:
        route.confidences += confidence
        route.squares += confidence**2
