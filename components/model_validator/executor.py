"""Marks a model by whether TensorFlow alone can serve it."""

import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from components.artifacts import examples as labelled
from components.model_validator.validate import validate
from models.provenance import read_provenance

# How TFX's InfraValidator marks its artifact, which its Pusher reads.
BLESSED = "blessed"
_BLESSED_FILE, _NOT_BLESSED_FILE = "INFRA_BLESSED", "INFRA_NOT_BLESSED"

REASON = "reason"  # custom property of the artifact
_EXAMPLES = 4

Inputs = dict[str, list[types.Artifact]]


class Executor(base_executor.BaseExecutor):
    """Reads from any file system of TFX's; writes to its own artifact only."""

    def Do(self, input_dict: Inputs, output_dict: Inputs, exec_properties: dict[str, Any]) -> None:
        """Validate the model; see ModelValidator for inputs and outputs."""
        self._log_startup(input_dict, output_dict, exec_properties)
        [blessing] = output_dict[standard_component_specs.BLESSING_KEY]
        [examples] = input_dict[standard_component_specs.EXAMPLES_KEY]
        uri = artifact_utils.get_single_uri(input_dict[standard_component_specs.MODEL_KEY])
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            io_utils.copy_dir(path_utils.serving_model_path(uri), str(model))
            some = list(itertools.islice(labelled.records(examples, "eval"), _EXAMPLES))
            reason = validate(model, some, read_provenance(str(model)))
        name = _NOT_BLESSED_FILE if reason else _BLESSED_FILE
        io_utils.write_string_file(os.path.join(blessing.uri, name), "")
        blessing.set_int_custom_property(BLESSED, int(not reason))
        blessing.set_string_custom_property(REASON, reason)
        if reason:
            logging.error("The model is not to be served: %s", reason)
        else:
            logging.info("Every signature answers where there is TensorFlow alone.")
