"""The EvalConfig: metrics, slices and the gate."""

from collections.abc import Sequence
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from models import tfma_metrics
from models.registry import load_task
from models.task import Metric
from pipeline.recipe import Recipe

_WHOLE_SPLIT = config_pb2.SlicingSpec()


def eval_config(recipe: Recipe) -> config_pb2.EvalConfig:
    """Return what the Evaluator measures and what it blesses.

    The change threshold binds only where there is a blessed model to compare with; the value
    thresholds bind always.
    """
    gate, task = recipe.gate, load_task(recipe.task)
    measured = task.measured(recipe.class_names)
    by_feature = [config_pb2.SlicingSpec(feature_keys=[feature]) for feature in recipe.slices]
    limits = {
        key: _limit(measured[key].metric, limit, [_WHOLE_SPLIT])
        for key, limit in gate.limits.items()
    }
    unlimited = -task.primary_metric.sign * tfma_metrics.UNLIMITED
    primary = limits.setdefault(
        task.primary, _limit(task.primary_metric, unlimited, [_WHOLE_SPLIT])
    )
    primary.thresholds[0].threshold.change_threshold.CopyFrom(
        _no_drop(task.primary_metric, gate.max_drop)
    )
    min_judged = None
    if gate.slice_limit:
        min_judged = gate.slice_limit.min_examples
        limits[tfma_metrics.judged_key(task)] = _limit(
            task.primary_metric, gate.slice_limit.limit, by_feature
        )
    figures = tfma_metrics.metric_config(task, recipe.class_names, min_judged)
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(signature_name="from_examples")],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[figures], per_slice_thresholds=limits)],
        slicing_specs=[_WHOLE_SPLIT, *by_feature],
    )


def _limit(
    metric: Metric, limit: float, slices: Sequence[config_pb2.SlicingSpec]
) -> config_pb2.PerSliceMetricThresholds:
    """Return a metric's limit in some slices: a floor or a ceiling, as its direction asks."""
    bound: dict[str, Any] = {"lower_bound" if metric.sign > 0 else "upper_bound": {"value": limit}}
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(**bound)
    )
    in_slices = config_pb2.PerSliceMetricThreshold(slicing_specs=slices, threshold=threshold)
    return config_pb2.PerSliceMetricThresholds(thresholds=[in_slices])


def _no_drop(metric: Metric, max_drop: float) -> config_pb2.GenericChangeThreshold:
    direction = config_pb2.MetricDirection
    return config_pb2.GenericChangeThreshold(
        absolute={"value": -metric.sign * max_drop},
        direction=direction.HIGHER_IS_BETTER if metric.sign > 0 else direction.LOWER_IS_BETTER,
    )
