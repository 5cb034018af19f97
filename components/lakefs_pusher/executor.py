"""Pushes to lakeFS what the Evaluator and the ModelValidator have blessed."""

import dataclasses
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs
from tfx.utils import io_utils

from components.artifacts import examples as labelled
from components.artifacts.evaluations import load_evaluation
from components.data_stores import connect_lakefs
from components.edge_exporter.staging import stage_edge_model
from components.git import git_commit
from components.lakefs_pusher.config import Destination
from components.pushing import note_outcome
from stores.errors import StoreError

if TYPE_CHECKING:
    from components.lakefs_pusher.push import Pushed  # of an extra of the install

Inputs = dict[str, list[types.Artifact]]


class Executor(pusher_executor.Executor):
    """TFX's Pusher, with lakeFS as destination.

    What it reads may lie on any file system of TFX's; it writes to no artifact's folder.
    """

    def Do(self, input_dict: Inputs, output_dict: Inputs, exec_properties: dict[str, Any]) -> None:
        """Push the model if it is blessed; see LakeFSPusher for inputs and outputs.

        Raises:
            StoreError: it was not pushed; running again completes it.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [pushed_model] = output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        told = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        config = Destination.model_validate(told["lakefs"])
        store = connect_lakefs(config)  # what is not installed, or a missing key, is said first
        from components.lakefs_pusher.push import Pusher

        pusher = Pusher(store, config, told["recipe"])
        model_path = self.GetModelPath(input_dict)
        if not fileio.exists(os.path.join(model_path, "saved_model.pb")):
            raise StoreError(f"{model_path} holds no SavedModel; run the Trainer again.")
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder, "model")
            io_utils.copy_dir(model_path, str(model))
            stage_edge_model(input_dict, model)
            metadata = {
                "recipe": told["recipe"],
                "run": self._run_id(pushed_model),
                "code_digest": told["code_digest"],
                **_commit(),
                **_describe(input_dict),
            }
            source = hashlib.sha256(model_path.encode()).hexdigest()[:16]
            self._mark(pushed_model, pusher.push(model, metadata, source))

    def _run_id(self, pushed_model: types.Artifact) -> str:
        run_id = self._context.pipeline_run_id if self._context else None
        # Vertex AI tells it in the artifact's place alone: ROOT/PROJECT/RUN/STEP/pushed_model.
        return run_id or pushed_model.uri.rstrip("/").split("/")[-3]

    def _mark(self, pushed_model: types.Artifact, pushed: "Pushed") -> None:
        what = "Pushed" if pushed.changed else "Already pushed, nothing was sent:"
        logging.info("%s %s", what, pushed.url)
        self._MarkPushed(pushed_model, pushed_destination=pushed.url)
        note_outcome(pushed_model, dataclasses.asdict(pushed))


def _commit() -> dict[str, str]:
    """Return the code's commit; nothing in an image, whose job has it as a label."""
    commit = git_commit(Path(__file__).parent)
    return {} if commit.startswith("none") else {"git_commit": commit}


def _describe(inputs: Inputs) -> dict[str, str]:
    """Return the data's version and digest, and the figures that sum the model up."""
    [examples] = inputs[standard_component_specs.EXAMPLES_KEY]
    [evaluation] = inputs[standard_component_specs.EVALUATION_KEY]
    judged = load_evaluation(evaluation.uri)
    figures = judged.whole.figures
    version = examples.get_string_custom_property(labelled.DATA_VERSION)
    return {
        **({labelled.DATA_VERSION: version} if version else {}),
        "data_digest": labelled.digest(examples),
        **{f"metric.{key}": f"{figures[key]:.6g}" for key in judged.headline},
    }
