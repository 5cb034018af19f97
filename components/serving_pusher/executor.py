"""TFX's Pusher, made atomic and idempotent."""

import json
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.pusher import executor as pusher_executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils

from components.serving_pusher.push import pin, push

# By these, as on a ModelBlessing, resolvers find the model.
BLESSED = constants.ARTIFACT_PROPERTY_BLESSED_KEY
CURRENT_MODEL_ID = constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY


class Executor(pusher_executor.Executor):
    """Pushes to a file system as TFX's executor does, but never twice and never by halves.

    TFX's own copies straight to a folder named by the clock: the same model evaluated again is
    pushed again, and a killed push leaves a part of a version.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Push the model if it is blessed; see TFX's Pusher for inputs and outputs.

        What was pushed has more custom properties: `saved_model`, the folder of its version, also
        where another place serves it; `blessed`, 1; and `current_model_id`, as its ModelBlessing
        has it. No other artifact says of a model that both blessings were there.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed_model = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        destination = json_format.Parse(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY],
            pusher_pb2.PushDestination(),
        )
        told = json.loads(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY) or "{}")
        if told.get("promotion") == "manual":
            pin(destination.filesystem.base_directory, told["recipe"])
        model_path = self.GetModelPath(input_dict)
        version_path = push(model_path, destination.filesystem.base_directory)
        io_utils.copy_dir(model_path, pushed_model.uri)
        served_at = self.serve(version_path, exec_properties)
        self._MarkPushed(pushed_model, pushed_destination=served_at)
        pushed_model.set_string_custom_property("saved_model", version_path)
        pushed_model.set_int_custom_property(BLESSED, constants.BLESSED_VALUE)
        blessing = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.MODEL_BLESSING_KEY]
        )
        # A number here, the model's name on Vertex AI.
        pushed_model.mlmd_artifact.custom_properties[CURRENT_MODEL_ID].CopyFrom(
            blessing.mlmd_artifact.custom_properties[CURRENT_MODEL_ID]
        )

    def serve(self, version_path: str, exec_properties: dict[str, Any]) -> str:
        """Has the version answer requests: a server that watches the folder does so by itself.

        Args:
            version_path: folder of the version.
            exec_properties: of the Pusher.

        Returns:
            Where it is served.
        """
        return version_path
