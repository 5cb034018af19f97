"""What is known of a judged model: inputs that the components after the Evaluator share."""

from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter

# By the keys of TFX's own components.
JUDGED_MODEL = {
    standard_component_specs.MODEL_KEY: ChannelParameter(type=standard_artifacts.Model),
    standard_component_specs.MODEL_BLESSING_KEY: ChannelParameter(
        type=standard_artifacts.ModelBlessing
    ),
    standard_component_specs.EVALUATION_KEY: ChannelParameter(
        type=standard_artifacts.ModelEvaluation
    ),
    standard_component_specs.EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
}
