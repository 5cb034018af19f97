"""The EvalConfig: metrics, slices and the gate."""

import json
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from pipeline.recipe import Recipe

_METRICS_MODULE = "models.tfma_metrics"


def class_iou_name(class_name: str) -> str:
    """The metric's key, as in TFMA's results."""
    return f"iou_{class_name}"


def eval_config(recipe: Recipe) -> config_pb2.EvalConfig:
    """What the Evaluator measures and what it blesses.

    The change threshold binds only where there is a blessed model to compare with; the value
    thresholds bind always.
    """
    num_classes = len(recipe.class_names)
    gate = recipe.gate
    no_fall = config_pb2.GenericChangeThreshold(
        absolute={"value": -gate.max_fall},
        direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
    )
    mean_iou = _metric(
        "MeanIoU",
        _floor(gate.min_mean_iou, change_threshold=no_fall),
        num_classes=num_classes,
        name="mean_iou",
    )
    by_class = [
        _metric(
            "ClassIoU",
            _floor(gate.min_class_iou[name]),
            num_classes=num_classes,
            class_id=class_id,
            name=class_iou_name(name),
        )
        for class_id, name in enumerate(recipe.class_names)
    ]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(signature_name="from_examples")],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[config_pb2.MetricConfig(class_name="ExampleCount"), mean_iou, *by_class]
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[feature]) for feature in recipe.slices),
        ],
    )


def _floor(value: float, **more: Any) -> config_pb2.MetricThreshold:
    lower = config_pb2.GenericValueThreshold(lower_bound={"value": value})
    return config_pb2.MetricThreshold(value_threshold=lower, **more)


def _metric(
    class_name: str, threshold: config_pb2.MetricThreshold, **config: object
) -> config_pb2.MetricConfig:
    """A metric of models.tfma_metrics whose threshold binds on the whole split, not on slices."""
    whole_split = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )
    return config_pb2.MetricConfig(
        class_name=class_name,
        module=_METRICS_MODULE,
        config=json.dumps(config),
        per_slice_thresholds=[whole_split],
    )
