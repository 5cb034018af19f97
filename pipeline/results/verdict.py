"""The Evaluator's verdict in words."""

import math
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.slicer import slicer_lib

from models import tfma_metrics
from models.ratios import sample_needed
from models.task import Measured, class_key

Slice = tuple[tuple[str, Any], ...]


def words(evaluation_uri: str) -> list[str]:
    """Why the gate refused, a reason each; empty when it blessed.

    Args:
        evaluation_uri: folder of the Evaluator's `evaluation` artifact.
    """
    validation = tfma.load_validation_result(evaluation_uri)
    evaluated = tfma.load_eval_result(evaluation_uri)
    judged = tfma_metrics.judged_by(evaluated.config)
    by_slice = evaluated.get_metrics_for_all_slices()
    failures = {
        slicer_lib.deserialize_slice_key(refused.slice_key): refused.failures
        for refused in validation.metric_validations_per_slice
    }
    reasons = [
        _reason(failure, slice_key, by_slice[slice_key], judged)
        for slice_key in sorted(failures)  # the whole split, whose key is empty, first
        for failure in failures[slice_key]
    ]
    for missing in validation.missing_slices:
        feature = "".join(f" with a {key}" for key in missing.feature_keys)
        reasons.append(f"the validation split holds no image{feature}, so nothing can be judged")
    return reasons


def _reason(
    failure: Any,
    slice_key: Slice,
    metrics: dict[str, dict[str, Any]],
    judged: tfma_metrics.Judged,
) -> str:
    """Return a failed threshold, as `border IoU 0.310 is below 0.350`."""
    task = judged.task
    measured = task.measured(judged.class_names)
    name = failure.metric_key.name
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    figure = measured.get(name, measured[task.primary])
    if failure.metric_key.is_diff:
        candidate = float(metrics[name]["doubleValue"])
        return (
            f"{figure.words} {candidate:.3f} is {abs(value):.3f} {figure.metric.worse} the last "
            f"blessed model's {candidate - value:.3f}, more than the tolerated "
            f"{abs(threshold.change_threshold.absolute.value):.3f}"
        )
    limit = tfma_metrics.read_limit(figure.metric, threshold)
    if name == tfma_metrics.judged_key(task):
        [(feature, of)] = slice_key
        images = float(metrics[tfma_metrics.COUNT]["doubleValue"])
        return f"{feature} {of}: {figure.tell_miss(value, limit)} ({images:.0f} images)"
    # What is in no truth has no recall, whatever else is predicted for it.
    recall = metrics.get(class_key("recall", figure.of_class), metrics[name])
    if figure.of_class and math.isnan(float(recall["doubleValue"])):
        return (
            f"{figure.of_class} does not occur in the validation split, so its limit {limit:.3f} "
            "cannot be judged; add images of it, or leave its limit out"
        )
    reason = figure.tell_miss(value, limit)
    if figure.metric.bounds:
        reason += _too_few(figure, limit, metrics)
    return reason


def _too_few(figure: Measured, limit: float, metrics: dict[str, dict[str, Any]]) -> str:
    """Return what a bound would need; empty where more examples would not help."""
    bounded = float(metrics[class_key(figure.metric.bounds, figure.of_class)]["doubleValue"])
    needed = sample_needed(bounded, limit)
    if needed is None:
        return ""
    return (
        f", for there are too few images of {figure.of_class} to claim it: of a "
        f"{figure.metric.bounds} of {bounded:.3f} about {needed} are needed"
    )
