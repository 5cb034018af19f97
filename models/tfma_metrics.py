"""The segmentation figures as one TFMA metric.

It reads the counts of each image, taken at the image's own resolution, from the model's
`from_examples` signature, so that no mask and no logits pass through Beam, and makes every figure
of a slice from one sum.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from models import metrics

CONFUSION = "confusion_matrix"
BOUNDARY = "boundary_counts"
JUDGED = "judged_mean_iou"


class Sums(NamedTuple):
    """What is added up over the images of a slice.

    Attributes:
        images: how many there are.
        confusion: float64 [C, C], of `models.metrics.confusion_matrix`.
        boundary: float64 [C, 2], of `models.metrics.boundary_counts`.
    """

    images: float
    confusion: npt.NDArray[np.float64]
    boundary: npt.NDArray[np.float64]


class SegmentationFigures(metric_types.Metric):
    """`models.metrics.figures` of a slice, its `confusion_matrix` and its `example_count`.

    Args:
        class_names: names by class id.
        min_judged: images that a slice needs for a floor of slices to bind on it. With it there
            is `judged_mean_iou`, for such a floor: `mean_iou`, but infinity in a smaller slice.
        name: TFMA asks for one; the keys of the results are the figures' own names.
    """

    def __init__(
        self, class_names: list[str], min_judged: int | None = None, name: str = "segmentation"
    ) -> None:
        super().__init__(_computations, class_names=class_names, min_judged=min_judged, name=name)


def _computations(
    class_names: list[str],
    min_judged: int | None,
    name: str,
    model_names: list[str] | None = None,
) -> metric_types.MetricComputations:
    """One sum for each model."""
    only_predictions = metric_types.StandardMetricInputsPreprocessor(
        include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
    )
    return [
        metric_types.MetricComputation(
            [metric_types.MetricKey(name, model_name=model_name)],
            [only_predictions],
            _SumAndDerive(model_name, class_names, min_judged),
        )
        for model_name in model_names or [""]
    ]


class _SumAndDerive(beam.CombineFn):
    """Adds up the counts of a slice and makes its figures of them."""

    def __init__(self, model_name: str, class_names: list[str], min_judged: int | None) -> None:
        self._model_name = model_name
        self._class_names = class_names
        self._min_judged = min_judged

    def create_accumulator(self) -> Sums:
        num_classes = len(self._class_names)
        return Sums(0.0, np.zeros((num_classes, num_classes)), np.zeros((num_classes, 2)))

    def add_input(self, accumulator: Sums, element: metric_types.StandardMetricInputs) -> Sums:
        counts = element.get_predictions(self._model_name)
        # The last blessed model may be from before there was this count.
        boundary = counts.get(BOUNDARY, np.nan)
        return _add(accumulator, Sums(1.0, counts[CONFUSION], boundary))

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        total = self.create_accumulator()
        for accumulator in accumulators:
            total = _add(total, accumulator)
        return total

    def extract_output(self, accumulator: Sums) -> dict[metric_types.MetricKey, Any]:
        images, confusion, boundary = accumulator
        values: dict[str, Any] = metrics.figures(confusion, boundary, self._class_names)
        values |= {"example_count": images, CONFUSION: confusion}
        if self._min_judged is not None:
            values[JUDGED] = values["mean_iou"] if images >= self._min_judged else np.inf
        # The key under which a MetricsSpec's thresholds look for a metric has no weighting.
        return {
            metric_types.MetricKey(name, self._model_name, example_weighted=None): value
            for name, value in values.items()
        }


def _add(one: Sums, other: Sums) -> Sums:
    return Sums(
        one.images + other.images,
        one.confusion + other.confusion,
        one.boundary + other.boundary,
    )
