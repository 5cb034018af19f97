"""Makes the model for the edge of what the Evaluator has blessed."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from absl import logging
from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from components.artifacts import examples as labelled
from components.artifacts.evaluations import load_evaluation
from components.edge_exporter.export import EdgeModel, export, write
from components.edge_exporter.limits import Limits
from components.edge_exporter.variants import EDGE_MODEL_KEY
from models.provenance import read_provenance

# Custom properties of the artifact.
BLESSED = "blessed"
REASON = "reason"
SUMMARY = "summary"

_INCOMING = ".incoming"

Inputs = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads from any file system of TFX's; writes to its own artifact only."""

    def Do(self, input_dict: Inputs, output_dict: Inputs, exec_properties: dict[str, Any]) -> None:
        """Make the model for the edge if the model is blessed; see EdgeExporter.

        Raises:
            ValueError: an example cannot be read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [edge_model] = output_dict[EDGE_MODEL_KEY]
        [blessing] = input_dict[standard_component_specs.MODEL_BLESSING_KEY]
        if not model_utils.is_model_blessed(blessing):
            _mark(edge_model, passed=False, reason="the model was not blessed", summary="")
            return
        told = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        limits = Limits.model_validate(told["limits"])
        with tempfile.TemporaryDirectory() as folder:
            made = _made(input_dict, limits, Path(folder))
            staged = Path(folder) / "edge"
            staged.mkdir()
            write(made, staged)
            publish(staged, path_utils.serving_model_path(edge_model.uri))
        _mark(edge_model, made.report["passed"], made.report["reason"], made.summary)
        logging.info("Edge model: %s", made.summary)


def _made(inputs: Inputs, limits: Limits, workspace: Path) -> EdgeModel:
    uri = artifact_utils.get_single_uri(inputs[standard_component_specs.MODEL_KEY])
    local = workspace / "model"
    io_utils.copy_dir(path_utils.serving_model_path(uri), str(local))
    trained = read_provenance(str(local))
    [examples] = inputs[standard_component_specs.EXAMPLES_KEY]
    [evaluation] = inputs[standard_component_specs.EVALUATION_KEY]
    judged = load_evaluation(evaluation.uri)
    return export(
        tf.saved_model.load(str(local)),
        trained,
        lambda split: labelled.records(examples, split),
        judged.whole.figures[judged.task.primary],
        limits,
    )


def publish(staged: Path, folder: str) -> None:
    """Copy files; each is there whole or not at all."""
    fileio.makedirs(folder)
    for path in sorted(staged.iterdir()):
        final = os.path.join(folder, path.name)
        io_utils.copy_file(str(path), final + _INCOMING, overwrite=True)
        fileio.rename(final + _INCOMING, final, overwrite=True)


def _mark(edge_model: types.Artifact, passed: bool, reason: str, summary: str) -> None:
    edge_model.set_int_custom_property(BLESSED, int(passed))
    edge_model.set_string_custom_property(REASON, reason)
    edge_model.set_string_custom_property(SUMMARY, summary)
