"""What Prometheus is told. Whatever clients send, the values of labels are these and no others."""

from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serving.errors import KINDS, Kind
from serving.gateway.asked import Answer
from serving.gateway.version import Version
from serving.gateway.versions import ServedModel
from serving.log.writer import LogWriter

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_IMAGES = (1, 2, 4, 8, 16, 32)
_SHARES = tuple(tenth / 10 for tenth in range(1, 11))
# Outputs of the tasks that have classes.
_FRACTIONS, _LABEL, _PROBABILITIES = "class_fractions", "label", "probabilities"


class Metrics:
    """Counts what the server does.

    Args:
        models: what it serves.
        log: where it logs requests; None for nowhere.
    """

    def __init__(self, models: Iterable[ServedModel], log: LogWriter | None = None) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Versions(list(models)))
        if log:
            self._registry.register(_Log(log))
        ProcessCollector(registry=self._registry)
        self._requests = self._make(Counter, "requests", "Predictions asked for.", "code")
        self._errors = self._make(Counter, "errors", "Requests refused, by kind.", "kind")
        self._seconds = self._make(
            Histogram,
            "request_seconds",
            "From a request's headers to its answer.",
            buckets=_SECONDS,
        )
        self._faults = self._make(Counter, "images_refused", "Images answered with an error.")
        self._batches = self._make(
            Histogram, "batch_images", "Images in a call of the model.", buckets=_IMAGES
        )
        self._classes = self._make(
            Counter,
            "predicted_class",
            "Images of a class, or pixels' shares.",
            *("model", "route", "class"),
        )
        self._confidence = self._make(
            Histogram,
            "confidence",
            "Probability of the predicted class.",
            *("model", "route"),
            buckets=_SHARES,
        )
        self.shadows_dropped = self._make(
            Counter, "shadows_dropped", "Requests that the shadow was not asked for want of time."
        )
        self.at_work = self._make(Gauge, "requests_at_work", "Worked on, or waiting.")

    def _make(self, kind, name: str, what: str, *labels: str, **keywords):  # type: ignore[no-untyped-def]
        return kind(f"visionpipe_{name}", what, labels, registry=self._registry, **keywords)

    def note_request(self, status: int, seconds: float) -> None:
        """Count a prediction that was asked for."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)
        if status >= 400:
            self._errors.labels(KINDS.get(status, Kind.BROKEN).value).inc()

    def note_batch(self, images: int) -> None:
        """Count a call of a model."""
        self._batches.observe(images)

    def note_answers(
        self, model: str, route: str, servable: Version, answers: Sequence[Answer]
    ) -> None:
        """Count the classes that were predicted, and the images that were refused."""
        for one in answers:
            if isinstance(one, str):
                self._faults.inc()
                continue
            shares = {int(one[_LABEL]): 1.0} if _LABEL in one else one.get(_FRACTIONS, ())
            pairs = shares.items() if isinstance(shares, dict) else enumerate(shares)
            for number, share in pairs:
                names = servable.class_names
                name = names[number] if number < len(names) else str(number)
                self._classes.labels(model, route, name).inc(float(share))
            if _PROBABILITIES in one:
                confidence = float(max(one[_PROBABILITIES]))
                self._confidence.labels(model, route).observe(confidence)

    def write(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Versions(Collector):
    """What is served at the moment that Prometheus asks."""

    def __init__(self, models: Sequence[ServedModel]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "visionpipe_served_version",
            "1 for each version that is served, by each label that names it.",
            labels=("model", "version", "label"),
        )
        for model in self._models:
            served = model.served
            named = [(number, label) for label, number in served.labels.items()]
            plain = [(number, "") for number in served.versions.keys() - dict(named).keys()]
            for number, label in named + plain:
                family.add_metric([model.name, str(number), label], 1)
        yield family


class _Log(Collector):
    """What became of the images that were to be logged."""

    def __init__(self, log: LogWriter) -> None:
        self._log = log

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(
            "visionpipe_logged_images", "By what became of them.", labels=("result",)
        )
        family.add_metric(["written"], self._log.written)
        family.add_metric(["dropped"], self._log.dropped)
        yield family
