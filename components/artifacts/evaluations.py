"""The Evaluator's figures of a run: by class, by slice, against the gate and the last model."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from models import tfma_metrics
from models.task import Measured, Task, class_key, margin

_CONFUSION = "confusion_matrix"
_RELIABILITY = "reliability"
_SCORES = "scores"

Figures = dict[str, float]
SliceKey = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Slice:
    """The validation images that have one value of a feature; all of them when that is empty.

    Attributes:
        feature: for example `breed`; empty for the whole split.
        value: for example `Abyssinian`.
        images: how many there are.
        figures: the run's model's, by the metric's key; NaN where there is nothing to judge by.
        baseline: the last blessed model's on the same images; empty when there is none.
    """

    feature: str
    value: str
    images: int
    figures: Figures
    baseline: Figures


@dataclass(frozen=True)
class Bound:
    """One condition of the gate.

    Attributes:
        name: what is bounded, for example `IoU of border`.
        value: what the model reached.
        limit: the worst that the gate blesses.
        sign: 1 where the limit is a floor, -1 where it is a ceiling.
    """

    name: str
    value: float
    limit: float
    sign: int

    @property
    def met(self) -> bool:
        """As TFMA decides it: NaN meets nothing."""
        return self.margin >= 0

    @property
    def margin(self) -> float:
        """By how much the model is better than the limit."""
        return margin(self.value, self.limit, self.sign)


@dataclass(frozen=True)
class Evaluation:
    """What an Evaluator wrote.

    Attributes:
        task: what was judged.
        class_names: by class id.
        slices: by feature, the worst primary metric first; under the empty name the whole split.
        bounds: the gate's conditions.
        confusion: float64 [C, C], what the task counts by true class (rows) and predicted class;
            None where the evaluation has none.
        reliability: float64 [bins, 3], in equal bins of confidence from 0 to 1: number of examples,
            sum of their confidences, and how many of them are right; likewise.
        scores: float64 [2, bins, 2], by class and bin of its probability's log-odds the examples
            that are not, and that are, of the class; None but for two classes.
    """

    task: Task
    class_names: list[str]
    slices: dict[str, list[Slice]]
    bounds: list[Bound]
    confusion: np.ndarray | None
    reliability: np.ndarray | None
    scores: np.ndarray | None = None

    @property
    def whole(self) -> Slice:
        """The whole validation split."""
        return self.slices[""][0]

    @property
    def families(self) -> dict[str, str]:
        """Titles of the metrics that the evaluation holds for every class, by their keys."""
        return {
            metric.key: metric.title
            for metric in self.task.class_metrics
            if self.class_names
            and all(class_key(metric.key, name) in self.whole.figures for name in self.class_names)
        }

    @property
    def key_families(self) -> dict[str, str]:
        """Those of the families that sum a model up."""
        return {
            metric.key: metric.title
            for metric in self.task.class_metrics
            if metric.headline and metric.key in self.families
        }

    @property
    def headline(self) -> dict[str, Measured]:
        """The figures that sum up the whole split, by the metric's key."""
        headline = self.task.headline(self.class_names)
        return {key: one for key, one in headline.items() if key in self.whole.figures}


def load_evaluation(uri: str) -> Evaluation:
    """Read the Evaluator's `evaluation` artifact.

    Args:
        uri: its folder.

    Raises:
        LookupError: the evaluation is not of a recipe.
    """
    candidate = tfma.load_eval_result(uri)
    if candidate.config is None:
        raise LookupError("The evaluation holds no configuration.")
    task, class_names = tfma_metrics.judged_by(candidate.config)
    figures = candidate.get_metrics_for_all_slices()
    baseline = tfma.load_eval_result(
        uri, model_name=constants.BASELINE_KEY
    ).get_metrics_for_all_slices()

    def order(key: SliceKey) -> tuple[int, float]:
        primary = float(figures[key][task.primary]["doubleValue"])
        return len(key), task.primary_metric.sign * primary

    slices: dict[str, list[Slice]] = {}
    for key in sorted(figures, key=order):
        part = _slice(key, figures[key], baseline.get(key, {}))
        slices.setdefault(part.feature, []).append(part)
    confusion, reliability, scores = (
        _array(figures[()], key) for key in (_CONFUSION, _RELIABILITY, _SCORES)
    )
    return Evaluation(
        task=task,
        class_names=class_names,
        slices=slices,
        bounds=list(_bounds(candidate.config, slices, task, class_names)),
        confusion=None if confusion is None else confusion.reshape(math.isqrt(confusion.size), -1),
        reliability=None if reliability is None else reliability.reshape(-1, 3),
        scores=None if scores is None else scores.reshape(2, -1, 2),
    )


def _slice(key: SliceKey, figures: dict[str, Any], baseline: dict[str, Any]) -> Slice:
    [(feature, value)] = key or [("", "")]
    numbers = _numbers(figures)
    count = int(numbers[tfma_metrics.COUNT])
    return Slice(feature, str(value), count, numbers, _numbers(baseline))


def _numbers(metrics: dict[str, Any]) -> Figures:
    return {
        name: float(value["doubleValue"])
        for name, value in metrics.items()
        if "doubleValue" in value
    }


def _array(metrics: dict[str, Any], key: str) -> np.ndarray | None:
    """Return a metric that is an array, as TFMA keeps it: float64 [values]."""
    if key not in metrics:
        return None
    return np.asarray(metrics[key]["arrayValue"]["float64Values"], np.float64)


def _bounds(
    config: config_pb2.EvalConfig,
    slices: dict[str, list[Slice]],
    task: Task,
    class_names: list[str],
) -> Iterator[Bound]:
    """Yield the thresholds of an EvalConfig beside what they are held against.

    A limit of slices is shown at the slice that comes nearest to it, or misses it most.
    """
    [whole] = slices[""]
    measured = task.measured(class_names)
    for spec in config.metrics_specs:
        keys = sorted(spec.per_slice_thresholds, key=lambda key: [*measured, key].index(key))
        for key in keys:
            metric, of_class = measured.get(key, Measured(task.primary_metric))
            title = f"{metric.title} of {of_class}" if of_class else metric.title
            value = whole.figures.get(key, math.nan)
            for entry in spec.per_slice_thresholds[key].thresholds:
                limit = tfma_metrics.read_limit(metric, entry.threshold)
                features = [name for part in entry.slicing_specs for name in part.feature_keys]
                if not features and abs(limit) < tfma_metrics.UNLIMITED:
                    yield Bound(title, value, limit, metric.sign)
                if entry.threshold.HasField("change_threshold") and whole.baseline:
                    drop = abs(entry.threshold.change_threshold.absolute.value)
                    name = f"{title}, at most {drop:.3f} {metric.worse} the last blessed model's"
                    last = whole.baseline[key] - metric.sign * drop
                    yield Bound(name, value, last, metric.sign)
                judged = [part for name in features for part in slices.get(name, [])]
                judged = [part for part in judged if not math.isinf(part.figures[key])]
                if judged:
                    worst = min(judged, key=lambda part: metric.sign * part.figures[key])
                    name = f"{title} of the worst slice, {worst.feature} {worst.value}"
                    yield Bound(name, worst.figures[key], limit, metric.sign)
