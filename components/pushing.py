"""What the components share that push a judged model: their specification, and what they note."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.edge_exporter.variants import EDGE_MODEL_KEY
from components.judged_model import JUDGED_MODEL


class PushingSpec(ComponentSpec):
    """Keys are those of TFX's Pusher, whose executor those of the components extend."""

    PARAMETERS: ClassVar = {
        standard_component_specs.CUSTOM_CONFIG_KEY: ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        **JUDGED_MODEL,
        standard_component_specs.INFRA_BLESSING_KEY: ChannelParameter(
            type=standard_artifacts.InfraBlessing
        ),
        EDGE_MODEL_KEY: ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS: ClassVar = {
        standard_component_specs.PUSHED_MODEL_KEY: ChannelParameter(
            type=standard_artifacts.PushedModel
        )
    }


def note_outcome(pushed_model: types.Artifact, outcome: Mapping[str, Any]) -> None:
    """Make the texts of an outcome properties of what was pushed, each by its name."""
    for name, value in outcome.items():
        if isinstance(value, str):
            pushed_model.set_string_custom_property(name, value)
