"""A task's figures as one TFMA metric.

It reads the counts of each example from the model's `from_examples` signature, so that no answer
and no logits pass through Beam, and makes every figure of a slice from one sum.
"""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from models.registry import FIRST_TASK, load_learning, load_task
from models.task import Metric, Task

COUNT = "example_count"
# What no figure is beyond: TFMA blesses nothing for which no threshold was set.
UNLIMITED = 1e300


class Sums(NamedTuple):
    """What is added up over the examples of a slice.

    Attributes:
        examples: how many there are.
        counts: by name, float64 of the shapes that the task's `answers` have.
    """

    examples: float
    counts: dict[str, npt.NDArray[np.float64]]


class Judged(NamedTuple):
    """What an EvalConfig has judged.

    Attributes:
        task: the task.
        class_names: by class id.
    """

    task: Task
    class_names: list[str]


class TaskFigures(metric_types.Metric):
    """The task's figures of a slice, and its `example_count`.

    Args:
        class_names: names by class id.
        min_judged: examples that a slice needs for a limit of slices to bind on it. With it there
            is the metric `judged_key`, for such a limit: the primary one, but in a smaller slice
            infinitely good.
        task: name of the task.
        name: TFMA asks for one; the keys of the results are the figures' own names.
    """

    def __init__(
        self,
        class_names: list[str],
        min_judged: int | None = None,
        task: str = FIRST_TASK,
        name: str = "figures",
    ) -> None:
        super().__init__(
            _computations, class_names=class_names, min_judged=min_judged, task=task, name=name
        )


def judged_key(task: Task) -> str:
    """Key of the primary metric in the slices that are large enough to be judged."""
    return f"judged_{task.primary}"


def read_limit(metric: Metric, threshold: config_pb2.MetricThreshold) -> float:
    """Return the limit of a threshold, a floor or a ceiling as the metric's direction asks."""
    values = threshold.value_threshold
    return (values.lower_bound if metric.sign > 0 else values.upper_bound).value


def metric_config(
    task: Task, class_names: tuple[str, ...], min_judged: int | None
) -> config_pb2.MetricConfig:
    """`TaskFigures` with its arguments, for an EvalConfig."""
    told: dict[str, Any] = {"task": task.name, "class_names": class_names}
    if min_judged is not None:
        told["min_judged"] = min_judged
    return config_pb2.MetricConfig(
        class_name=TaskFigures.__name__, module=__name__, config=json.dumps(told)
    )


def judged_by(config: config_pb2.EvalConfig) -> Judged:
    """Task and classes, from what `metric_config` made of them.

    Raises:
        LookupError: the EvalConfig has another metric.
    """
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.module == __name__:
                told = json.loads(metric.config)
                return Judged(load_task(told.get("task", FIRST_TASK)), told["class_names"])
    raise LookupError("The EvalConfig is not of a recipe.")


def _computations(
    class_names: list[str],
    min_judged: int | None,
    task: str,
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
            _SumAndDerive(model_name, class_names, min_judged, task),
        )
        for model_name in model_names or [""]
    ]


class _SumAndDerive(beam.CombineFn):
    """Adds up the counts of a slice and makes its figures of them."""

    def __init__(
        self, model_name: str, class_names: list[str], min_judged: int | None, task: str
    ) -> None:
        self._model_name = model_name
        self._class_names = class_names
        self._min_judged = min_judged
        self._task = task

    def create_accumulator(self) -> Sums:
        counts = load_learning(self._task).count_specs(len(self._class_names) or 1)
        return Sums(0.0, {name: np.zeros(spec.shape) for name, spec in counts.items()})

    def add_input(self, accumulator: Sums, element: metric_types.StandardMetricInputs) -> Sums:
        answers = element.get_predictions(self._model_name)
        # The last blessed model may be from before there was one of the counts; and TFMA makes
        # arrays of numbers.
        counts = {
            name: np.reshape(answers[name], zero.shape) if name in answers else zero * np.nan
            for name, zero in accumulator.counts.items()
        }
        return _add(accumulator, Sums(1.0, counts))

    def merge_accumulators(self, accumulators: Iterable[Sums]) -> Sums:
        total = self.create_accumulator()
        for accumulator in accumulators:
            total = _add(total, accumulator)
        return total

    def extract_output(self, accumulator: Sums) -> dict[metric_types.MetricKey, Any]:
        examples, counts = accumulator
        values = load_learning(self._task).figures(counts, self._class_names)
        values[COUNT] = examples
        if self._min_judged is not None:
            task = load_task(self._task)
            small = np.inf * task.primary_metric.sign
            enough = examples >= self._min_judged
            values[judged_key(task)] = values[task.primary] if enough else small
        # The key under which a MetricsSpec's thresholds look for a metric has no weighting.
        return {
            metric_types.MetricKey(name, self._model_name, example_weighted=None): value
            for name, value in values.items()
        }


def _add(one: Sums, other: Sums) -> Sums:
    return Sums(
        one.examples + other.examples,
        {name: one.counts[name] + other.counts[name] for name in one.counts},
    )
