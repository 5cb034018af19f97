"""The segmentation metrics as TFMA metrics.

They read `confusion_matrix`, [C, C] pixel counts of each image at its own resolution, from the
model's `from_examples` signature, so that no mask and no logits pass through Beam, and derive
every figure of a slice from one sum.
"""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from models import metrics

PREDICTION_KEY = "confusion_matrix"
_MATRIX = "_confusion_matrix"


class _SumConfusion(beam.CombineFn):
    """Adds up the confusion matrices of a slice."""

    def __init__(self, key: metric_types.MetricKey, num_classes: int) -> None:
        self._key = key
        self._num_classes = num_classes

    def create_accumulator(self) -> np.ndarray:
        return np.zeros((self._num_classes, self._num_classes), np.float64)

    def add_input(
        self, accumulator: np.ndarray, element: metric_types.StandardMetricInputs
    ) -> np.ndarray:
        prediction = element.get_predictions(self._key.model_name)
        return accumulator + np.asarray(prediction[PREDICTION_KEY], np.float64)

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return sum(accumulators, self.create_accumulator())

    def extract_output(self, accumulator: np.ndarray) -> dict[metric_types.MetricKey, np.ndarray]:
        return {self._key: accumulator}


def _computations(
    figure: Any, name: str, num_classes: int, model_names: list[str] | None
) -> metric_types.MetricComputations:
    """One shared sum for each model, and the figure that is derived from it."""
    computations: metric_types.MetricComputations = []
    for model_name in model_names or [""]:
        matrix = metric_types.MetricKey(_MATRIX, model_name=model_name)
        key = metric_types.MetricKey(name, model_name=model_name)

        def result(values: dict, matrix: Any = matrix, key: Any = key) -> dict:
            return {key: figure(values[matrix])}

        filtered = metric_types.StandardMetricInputsPreprocessor(
            include_filter={constants.PREDICTIONS_KEY: {}}, include_default_inputs=False
        )
        computations += [
            metric_types.MetricComputation(
                [matrix], [filtered], _SumConfusion(matrix, num_classes)
            ),
            metric_types.DerivedMetricComputation([key], result),
        ]
    return computations


class MeanIoU(metric_types.Metric):
    """`models.metrics.mean_iou` of a slice.

    Args:
        num_classes: C.
        name: key of the result.
    """

    def __init__(self, num_classes: int, name: str = "mean_iou") -> None:
        super().__init__(_mean_iou, num_classes=num_classes, name=name)


class ClassIoU(metric_types.Metric):
    """`models.metrics.iou_by_class` of one class in a slice.

    Args:
        num_classes: C.
        class_id: the class.
        name: key of the result.
    """

    def __init__(self, num_classes: int, class_id: int, name: str) -> None:
        super().__init__(_class_iou, num_classes=num_classes, class_id=class_id, name=name)


def _mean_iou(
    num_classes: int, name: str, model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    return _computations(metrics.mean_iou, name, num_classes, model_names)


def _class_iou(
    num_classes: int, class_id: int, name: str, model_names: list[str] | None = None
) -> metric_types.MetricComputations:
    def figure(confusion: np.ndarray) -> float:
        return float(metrics.iou_by_class(confusion)[class_id])

    return _computations(figure, name, num_classes, model_names)
