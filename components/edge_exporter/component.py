"""EdgeExporter's place in a TFX graph: what it takes and what it gives."""

import json
from pathlib import Path
from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.digest import folder_digest
from components.edge_exporter.executor import Executor
from components.edge_exporter.limits import Limits
from components.edge_exporter.variants import EDGE_MODEL_KEY
from components.judged_model import JUDGED_MODEL


class EdgeExporterSpec(ComponentSpec):
    """Keys are those of TFX's own components."""

    PARAMETERS: ClassVar = {
        standard_component_specs.CUSTOM_CONFIG_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = JUDGED_MODEL
    OUTPUTS: ClassVar = {EDGE_MODEL_KEY: ChannelParameter(type=standard_artifacts.Model)}


class EdgeExporter(base_component.BaseComponent):
    """Converts a blessed model to LiteRT, and judges what int8 costs it.

    Nothing is done with a model that was refused.

    Args:
        model: the SavedModel.
        model_blessing: the Evaluator's verdict on it.
        evaluation: the Evaluator's figures of it.
        examples: `train` to calibrate on, `eval` to score on.
        limits: what the int8 model is held to.
        code_digest: of the learning code, which it calls.

    The output `edge_model` holds `model.tflite`, which is int8, if that is within the limits;
    `model_fp16.tflite` and `model_dynamic_range.tflite`; and `edge.json`, the figures of each. Its
    custom properties are `blessed`, 0 or 1, `reason` and `summary`. A ModelBlessing there is none:
    the Evaluator would take the model for the last blessed one.
    """

    SPEC_CLASS = EdgeExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        examples: types.BaseChannel,
        limits: Limits,
        code_digest: str,
    ) -> None:
        custom_config = {
            "limits": limits.model_dump(),
            "code_digest": code_digest,
            "exporter_digest": folder_digest(Path(__file__).parent),
        }
        spec = EdgeExporterSpec(
            model=model,
            model_blessing=model_blessing,
            evaluation=evaluation,
            examples=examples,
            custom_config=json.dumps(custom_config),
            edge_model=types.Channel(type=standard_artifacts.Model),
        )
        super().__init__(spec=spec)
