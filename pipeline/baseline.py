"""Which model the Evaluator compares the candidate with, on the local engine."""

import os

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)

from components.evaluator.executor import differences


class OtherBlessedModelStrategy(LatestBlessedModelStrategy):
    """The last blessed model of the recipe that is still there and not the candidate itself.

    Several recipes may share a pipeline's name. A model of another one would hide the last of this
    one, and then be left out by the Evaluator, so that nothing would be compared.

    Of a run whose model comes from the cache, the last blessed model is that very model. Compared
    with itself it would be judged anew, and so would everything that waits for the verdict.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]] | None:
        """Resolves `model` and `model_blessing` as LatestBlessedModelStrategy does.

        Args:
            store: of metadata.
            input_dict: every `model` and `model_blessing`, and the run's `candidate`.
        """
        [candidate] = input_dict["candidate"]
        others = [
            model
            for model in input_dict["model"]
            if model.id != candidate.id
            and os.path.exists(model.uri)
            and not differences(candidate, model)
        ]
        blessings = input_dict["model_blessing"]
        resolved = super().resolve_artifacts(store, {"model": others, "model_blessing": blessings})
        return {**resolved, "candidate": input_dict["candidate"]} if resolved else None


def other_blessed_model(**channels: types.BaseChannel) -> Resolver:
    """The node that resolves `model` and `model_blessing` in sight of `candidate`."""
    return Resolver(strategy_class=OtherBlessedModelStrategy, **channels)
