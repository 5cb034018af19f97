"""The Evaluator's figures of a run: by class, by slice, against the gate and the last model."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

# Figures that there may be of every class, by the prefix of the metric's key.
FAMILIES = {
    "iou": "IoU",
    "dice": "Dice",
    "precision": "Precision",
    "recall": "Recall",
    "boundary_iou": "Boundary IoU",
}
# Figures of all classes together, by the metric's key.
OVERALL = {
    "mean_iou": "Mean IoU",
    "boundary_iou": "Boundary IoU",
    "pixel_accuracy": "Pixel accuracy",
}
_CONFUSION = "confusion_matrix"
_COUNT = "example_count"

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
        floor: the least that the gate blesses.
    """

    name: str
    value: float
    floor: float

    @property
    def met(self) -> bool:
        """As TFMA decides it: NaN meets nothing."""
        return self.value >= self.floor


@dataclass(frozen=True)
class Evaluation:
    """What an Evaluator wrote.

    Attributes:
        class_names: by class id.
        slices: by feature, the worst mean IoU first; under the empty name the whole split.
        bounds: the gate's conditions.
        confusion: float64 [C, C], pixels by true class (rows) and predicted class; None where the
            evaluation has none.
    """

    class_names: list[str]
    slices: dict[str, list[Slice]]
    bounds: list[Bound]
    confusion: np.ndarray | None

    @property
    def whole(self) -> Slice:
        """The whole validation split."""
        return self.slices[""][0]

    @property
    def families(self) -> dict[str, str]:
        """Those of `FAMILIES` that the evaluation holds for every class."""
        return {
            family: title
            for family, title in FAMILIES.items()
            if all(f"{family}_{name}" in self.whole.figures for name in self.class_names)
        }

    @property
    def headline(self) -> dict[str, str]:
        """Titles of the figures that sum up the whole split, by the metric's key."""
        overall = {key: title for key, title in OVERALL.items() if key in self.whole.figures}
        return overall | {f"iou_{name}": f"IoU, {name}" for name in self.class_names}


def load_evaluation(uri: str, class_names: list[str]) -> Evaluation:
    """Reads the Evaluator's `evaluation` artifact.

    Args:
        uri: its folder.
        class_names: by class id.
    """
    candidate = tfma.load_eval_result(uri)
    figures = candidate.get_metrics_for_all_slices()
    baseline = tfma.load_eval_result(
        uri, model_name=constants.BASELINE_KEY
    ).get_metrics_for_all_slices()
    slices: dict[str, list[Slice]] = {}
    for key in sorted(figures, key=lambda key: (len(key), _mean_iou(figures[key]))):
        part = _slice(key, figures[key], baseline.get(key, {}))
        slices.setdefault(part.feature, []).append(part)
    matrix = figures[()].get(_CONFUSION)
    return Evaluation(
        class_names=class_names,
        slices=slices,
        bounds=list(_bounds(candidate.config, slices, class_names)),
        confusion=None if matrix is None else _square(matrix),
    )


def _mean_iou(metrics: dict[str, Any]) -> float:
    return float(metrics["mean_iou"]["doubleValue"])


def _slice(key: SliceKey, figures: dict[str, Any], baseline: dict[str, Any]) -> Slice:
    [(feature, value)] = key or [("", "")]
    numbers = _numbers(figures)
    return Slice(feature, str(value), int(numbers[_COUNT]), numbers, _numbers(baseline))


def _numbers(metrics: dict[str, Any]) -> Figures:
    return {
        name: float(value["doubleValue"])
        for name, value in metrics.items()
        if "doubleValue" in value
    }


def _square(metric: dict[str, Any]) -> np.ndarray:
    values = np.asarray(metric["arrayValue"]["float64Values"], np.float64)
    return values.reshape(math.isqrt(values.size), -1)


def _bounds(
    config: config_pb2.EvalConfig, slices: dict[str, list[Slice]], class_names: list[str]
) -> Iterator[Bound]:
    """The thresholds of an EvalConfig beside what they are held against.

    A floor of slices is shown at the slice that comes nearest to it, or misses it most.
    """
    [whole] = slices[""]
    titles = OVERALL | {f"iou_{name}": f"IoU of {name}" for name in class_names}
    for spec in config.metrics_specs:
        keys = sorted(spec.per_slice_thresholds, key=lambda key: [*titles, key].index(key))
        for key in keys:
            title, value = titles.get(key, key), whole.figures.get(key, math.nan)
            for entry in spec.per_slice_thresholds[key].thresholds:
                floor = entry.threshold.value_threshold.lower_bound.value
                features = [name for part in entry.slicing_specs for name in part.feature_keys]
                if not features:
                    yield Bound(title, value, floor)
                if entry.threshold.HasField("change_threshold") and whole.baseline:
                    fall = -entry.threshold.change_threshold.absolute.value
                    name = f"{title}, at most {fall:.3f} below the last blessed model's"
                    yield Bound(name, value, whole.baseline[key] - fall)
                judged = [part for name in features for part in slices.get(name, [])]
                judged = [part for part in judged if part.figures[key] < math.inf]
                if judged:
                    worst = min(judged, key=lambda part: part.figures[key])
                    name = f"Mean IoU of the worst slice, {worst.feature} {worst.value}"
                    yield Bound(name, worst.figures[key], floor)
