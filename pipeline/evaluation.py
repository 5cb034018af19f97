"""The EvalConfig: metrics, slices and the gate."""

import json
from collections.abc import Sequence
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from models import tfma_metrics
from pipeline.recipe import Recipe

_WHOLE_SPLIT = config_pb2.SlicingSpec()


def class_iou_name(class_name: str) -> str:
    """The metric's key, as in TFMA's results."""
    return f"iou_{class_name}"


def eval_config(recipe: Recipe) -> config_pb2.EvalConfig:
    """What the Evaluator measures and what it blesses.

    The change threshold binds only where there is a blessed model to compare with; the value
    thresholds bind always.
    """
    gate = recipe.gate
    by_feature = [config_pb2.SlicingSpec(feature_keys=[feature]) for feature in recipe.slices]
    no_fall = config_pb2.GenericChangeThreshold(
        absolute={"value": -gate.max_fall},
        direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
    )
    floors = {"mean_iou": _floor(gate.min_mean_iou, [_WHOLE_SPLIT], change_threshold=no_fall)}
    for name, floor in gate.min_class_iou.items():
        if floor > 0:
            floors[class_iou_name(name)] = _floor(floor, [_WHOLE_SPLIT])
    config: dict[str, Any] = {"class_names": recipe.class_names}
    if gate.slice_floor:
        config["min_judged"] = gate.slice_floor.min_examples
        floors[tfma_metrics.JUDGED] = _floor(gate.slice_floor.min_mean_iou, by_feature)
    figures = config_pb2.MetricConfig(
        class_name=tfma_metrics.SegmentationFigures.__name__,
        module=tfma_metrics.__name__,
        config=json.dumps(config),
    )
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(signature_name="from_examples")],
        metrics_specs=[config_pb2.MetricsSpec(metrics=[figures], per_slice_thresholds=floors)],
        slicing_specs=[_WHOLE_SPLIT, *by_feature],
    )


def class_names(config: config_pb2.EvalConfig) -> list[str]:
    """The recipe's, by class id, from what `eval_config` made of it.

    Raises:
        LookupError: it made something else.
    """
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name == tfma_metrics.SegmentationFigures.__name__:
                return json.loads(metric.config)["class_names"]
    raise LookupError("The EvalConfig is not of a recipe.")


def _floor(
    value: float, slices: Sequence[config_pb2.SlicingSpec], **more: Any
) -> config_pb2.PerSliceMetricThresholds:
    """A metric's least value in some slices."""
    lower = config_pb2.GenericValueThreshold(lower_bound={"value": value})
    threshold = config_pb2.MetricThreshold(value_threshold=lower, **more)
    in_slices = config_pb2.PerSliceMetricThreshold(slicing_specs=slices, threshold=threshold)
    return config_pb2.PerSliceMetricThresholds(thresholds=[in_slices])
