"""Leaves out a baseline that the candidate cannot be compared with."""

import os
from typing import Any

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.components.evaluator import executor
from tfx.types import standard_component_specs
from tfx.utils import path_utils

from models.provenance import Provenance, read_provenance

# Fields of a model's provenance by which its metrics are those of another one.
_COMPARED = ("task", "recipe", "class_names")


class Executor(executor.Executor):
    """See TFX's Evaluator.

    The resolvers of both engines take the last blessed model of the pipeline. With one
    PIPELINE_NAME for two recipes, or after a change of the classes, that model's counts are of
    other classes than the candidate's; or it was deleted, or moved with PIPELINE_ROOT.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluate; without a baseline, TFX binds no change threshold."""
        [candidate] = input_dict[standard_component_specs.MODEL_KEY]
        baselines = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY, [])
        kept = [baseline for baseline in baselines if _comparable(candidate, baseline)]
        super().Do(
            {**input_dict, standard_component_specs.BASELINE_MODEL_KEY: kept},
            output_dict,
            exec_properties,
        )


def _comparable(candidate: types.Artifact, baseline: types.Artifact) -> bool:
    folder = path_utils.serving_model_path(baseline.uri)
    if not tf.io.gfile.exists(os.path.join(folder, tf.saved_model.SAVED_MODEL_FILENAME_PB)):
        return _left_out(baseline, "it is gone")
    different = differences(candidate, baseline)
    return not different or _left_out(baseline, f"its {' and '.join(different)} differ")


def differences(candidate: types.Artifact, baseline: types.Artifact) -> list[str]:
    """Facts of two models that keep their metrics from being compared."""
    ours, theirs = _provenance(candidate), _provenance(baseline)
    return [name for name in _COMPARED if getattr(ours, name, None) != getattr(theirs, name, None)]


def _left_out(baseline: types.Artifact, reason: str) -> bool:
    logging.warning("The last blessed model, %s, is no baseline: %s.", baseline.uri, reason)
    return False


def _provenance(model: types.Artifact) -> Provenance | None:
    """Facts of a model; None of one that was written without."""
    try:
        return read_provenance(path_utils.serving_model_path(model.uri))
    except (tf.errors.NotFoundError, ValueError):
        return None
