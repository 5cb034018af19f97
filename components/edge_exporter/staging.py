"""The models for the edge, as a pusher takes them along."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.edge_exporter.variants import EDGE_MODEL, EDGE_MODEL_KEY, REPORT


def stage_edge_model(
    inputs: Mapping[str, list[types.Artifact]], model: Path
) -> dict[str, Any] | None:
    """Copy the LiteRT models that passed beside the SavedModel.

    Args:
        inputs: of a pusher.
        model: folder of the SavedModel, local.

    Returns:
        Their figures; None where there are none.
    """
    if not inputs.get(EDGE_MODEL_KEY):
        return None
    folder = path_utils.serving_model_path(artifact_utils.get_single_uri(inputs[EDGE_MODEL_KEY]))
    if not fileio.exists(os.path.join(folder, EDGE_MODEL)):
        logging.info("No int8 model passed: there is the SavedModel alone.")
        return None
    for name in fileio.listdir(folder):
        io_utils.copy_file(os.path.join(folder, name), str(model / name))
    report = json.loads((model / REPORT).read_text())
    for variant in report["variants"].values():
        del variant["milliseconds"]  # other ones each time: the same model would be a new version
    (model / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    return report
