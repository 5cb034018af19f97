"""What Prometheus is told of a monitor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from monitoring.scoring import Scores
from monitoring.state import State
from monitoring.verdict import estimate, find_active, find_doubt
from monitoring.watched import Watched


def write_gauges(state: State, watched: Mapping[int, Watched], scores: Scores) -> str:
    """All gauges, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Monitor(state, watched, scores))
    return generate_latest(registry).decode()


class _Monitor(Collector):
    def __init__(self, state: State, watched: Mapping[int, Watched], scores: Scores) -> None:
        self._state, self._watched, self._scores = state, watched, scores

    def collect(self) -> Iterable[Metric]:
        labels = ("model", "version", "kind", "feature")
        distance = _gauge("distance", "Jensen-Shannon distance from the reference.", *labels)
        threshold = _gauge("threshold", "The distance that alarms.", *labels)
        alarm = _gauge("alarm", "1 where the newest window is further away.", *labels)
        accuracy = _gauge("estimated_accuracy", "Without labels.", "model", "version")
        trusted = _gauge("estimate_trusted", "0 where it cannot be trusted.", "model", "version")
        name = self._state.model
        for model, version in find_active(self._state, self._watched):
            if not version.closed:
                continue
            newest, number = version.closed[-1], str(model.number)
            for feature, far in newest.distances.items():
                kind = "inputs" if feature in model.reference.inputs else "answers"
                place = [name, number, kind, feature]
                distance.add_metric(place, far)
                threshold.add_metric(place, version.thresholds[feature])
                alarm.add_metric(place, feature in newest.alarms)
            estimated = estimate(model, newest)
            if estimated is not None:
                accuracy.add_metric([name, number], estimated)
                trusted.add_metric([name, number], not find_doubt(model, newest))
        labelled = _gauge("labelled_accuracy", "By true labels.", "model", "version", "route")
        for score in self._scores.scores:
            if score.right is not None:
                place = [name, str(score.version), score.route]
                labelled.add_metric(place, score.right / score.images)
        seen = _gauge("last_request_timestamp_seconds", "When it was answered.", "model")
        seen.add_metric([name], self._state.seen)
        images = _gauge("images", "Images that were compared.", "model")
        images.add_metric([name], self._state.images)
        yield from (distance, threshold, alarm, accuracy, trusted, labelled, seen, images)


def _gauge(name: str, what: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"visionpipe_monitor_{name}", what, labels=labels)
