"""ModelValidator's place in a TFX graph: what it takes and what it gives."""

import json
from pathlib import Path
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.digest import folder_digest
from components.model_validator.executor import Executor


class ModelValidatorSpec(ComponentSpec):
    """Keys are those of TFX's InfraValidator."""

    PARAMETERS: ClassVar = {
        standard_component_specs.CUSTOM_CONFIG_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
        standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS: ClassVar = {
        standard_component_specs.BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing
        )
    }


class ModelValidator(base_component.BaseComponent):
    """Calls every signature of a model in a process that has TensorFlow and none of this code.

    TFX's InfraValidator starts a model server in Docker, which Vertex AI's steps do not have.

    Args:
        model: the SavedModel.
        examples: some of `eval` are what the signatures are called with.
        code_digest: of the learning code, which says what the signatures take and give.

    The output `blessing` holds the file INFRA_BLESSED or INFRA_NOT_BLESSED. Its custom properties
    are `blessed`, 0 or 1, and `reason`, a sentence of cause and cure where it is 0.
    """

    SPEC_CLASS = ModelValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, model: types.BaseChannel, examples: types.BaseChannel, code_digest: str
    ) -> None:
        custom_config = {
            "code_digest": code_digest,
            "validator_digest": folder_digest(Path(__file__).parent),
        }
        spec = ModelValidatorSpec(
            model=model,
            examples=examples,
            custom_config=json.dumps(custom_config),
            blessing=types.Channel(type=standard_artifacts.InfraBlessing),
        )
        super().__init__(spec=spec)
