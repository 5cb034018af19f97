"""The Evaluator's verdict in words."""

import math
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.slicer import slicer_lib

from models import tfma_metrics

Slice = tuple[tuple[str, Any], ...]


def words(evaluation_uri: str) -> list[str]:
    """Why the gate refused, a reason each; empty when it blessed.

    Args:
        evaluation_uri: folder of the Evaluator's `evaluation` artifact.
    """
    validation = tfma.load_validation_result(evaluation_uri)
    by_slice = tfma.load_eval_result(evaluation_uri).get_metrics_for_all_slices()
    failures = {
        slicer_lib.deserialize_slice_key(refused.slice_key): refused.failures
        for refused in validation.metric_validations_per_slice
    }
    reasons = [
        _reason(failure, slice_key, by_slice[slice_key])
        for slice_key in sorted(failures)  # the whole split, whose key is empty, first
        for failure in failures[slice_key]
    ]
    for missing in validation.missing_slices:
        feature = "".join(f" with a {key}" for key in missing.feature_keys)
        reasons.append(f"the validation split holds no image{feature}, so nothing can be judged")
    return reasons


def _reason(failure: Any, slice_key: Slice, metrics: dict[str, dict[str, Any]]) -> str:
    """A failed threshold, as `border IoU 0.310 is below 0.350`."""
    name = failure.metric_key.name
    value = failure.metric_value.double_value.value
    threshold = failure.metric_threshold
    if failure.metric_key.is_diff:
        candidate = float(metrics[name]["doubleValue"])
        return (
            f"mean IoU {candidate:.3f} is {-value:.3f} below the last blessed model's "
            f"{candidate - value:.3f}, more than the tolerated "
            f"{-threshold.change_threshold.absolute.value:.3f}"
        )
    floor = threshold.value_threshold.lower_bound.value
    if name == tfma_metrics.JUDGED:
        [(feature, of)] = slice_key
        images = float(metrics["example_count"]["doubleValue"])
        return f"{feature} {of}: mean IoU {value:.3f} is below {floor:.3f} ({images:.0f} images)"
    if name == "mean_iou":
        return f"mean IoU {value:.3f} is below {floor:.3f}"
    class_name = name.removeprefix("iou_")
    if math.isnan(float(metrics[f"recall_{class_name}"]["doubleValue"])):
        return (
            f"{class_name} does not occur in the validation split, so its floor {floor:.3f} "
            "cannot be judged; add images of it, or set its floor to 0"
        )
    return f"{class_name} IoU {value:.3f} is below {floor:.3f}"
