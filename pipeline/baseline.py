"""Which model the Evaluator compares the candidate with, on the local engine."""

import os

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common.resolver import Resolver, ResolverStrategy

from components.evaluator.executor import differences
from components.serving_pusher.executor import BLESSED, CURRENT_MODEL_ID


class OtherBlessedModelStrategy(ResolverStrategy):
    """The last blessed model of the recipe that is still there and not the candidate itself.

    Blessed is what both the Evaluator and ModelValidator blessed: what the Pusher took. A model
    that cannot be served would be beaten, or not be reached, by one that never replaces it.

    Several recipes may share a pipeline's name. A model of another one would hide the last of this
    one, and then be left out by the Evaluator, so that nothing would be compared.

    Of a run whose model comes from the cache, the last blessed model is that very model. Compared
    with itself it would be judged again, and so would everything that waits for the verdict.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Resolve `model`, and `pushed_model` which says that it is blessed.

        Args:
            store: of metadata.
            input_dict: every `model` and `pushed_model`, and the run's `candidate`.
        """
        [candidate] = input_dict["candidate"]
        pushed = {
            artifact.get_int_custom_property(CURRENT_MODEL_ID): artifact
            for artifact in input_dict["pushed_model"]
            if artifact.get_int_custom_property(BLESSED)
        }
        others = [
            model
            for model in input_dict["model"]
            if model.id in pushed
            and model.id != candidate.id
            and os.path.exists(model.uri)
            and not differences(candidate, model)
        ]
        newest = sorted(others, key=lambda model: model.id)[-1:]
        return {
            "model": newest,
            "pushed_model": [pushed[model.id] for model in newest],
            "candidate": [candidate],
        }


def other_blessed_model(**channels: types.BaseChannel) -> Resolver:
    """Return the node that resolves `model` and `pushed_model` in sight of `candidate`."""
    return Resolver(strategy_class=OtherBlessedModelStrategy, **channels)
