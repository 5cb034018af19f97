"""LakeFSPusher's place in a TFX graph: what it takes and what it gives."""

import json
from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components.digest import folder_digest
from components.lakefs_pusher.config import LakeFSConfig
from components.lakefs_pusher.executor import Executor
from components.pushing import PushingSpec

_TOLD = (
    *LakeFSConfig.model_fields,
    "lakefs_endpoint",
    "lakefs_access_key_secret",
    "lakefs_secret_key_secret",
)


class LakeFSPusher(base_component.BaseComponent):
    """Pushes a blessed model to the folder `models/RECIPE` of a repository of lakeFS.

    Nothing is done with a model that was refused.

    Args:
        model: the SavedModel.
        model_blessing: the Evaluator's verdict on it.
        infra_blessing: the ModelValidator's.
        evaluation: the Evaluator's figures of it.
        examples: what it was trained and judged on.
        config: where to push. Keys travel in it by reference.
        recipe: name of the recipe.
        code_digest: of the learning code.
        edge_model: the same model as LiteRT; pushed along where it holds `model.tflite`.

    The output `pushed_model` has custom properties: `pushed`, 0 or 1, and of what was pushed
    `repository`, `path`, `revision`, `tag` and `url`.
    """

    SPEC_CLASS = PushingSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        evaluation: types.BaseChannel,
        examples: types.BaseChannel,
        config: LakeFSConfig,
        recipe: str,
        code_digest: str,
        edge_model: types.BaseChannel | None = None,
    ) -> None:
        custom_config = {
            "lakefs": {name: getattr(config, name) for name in _TOLD},
            "recipe": recipe,
            "code_digest": code_digest,
            "pusher_digest": folder_digest(Path(__file__).parent),
        }
        spec = PushingSpec(
            model=model,
            model_blessing=model_blessing,
            infra_blessing=infra_blessing,
            evaluation=evaluation,
            examples=examples,
            edge_model=edge_model,
            custom_config=json.dumps(custom_config),
            pushed_model=types.Channel(type=standard_artifacts.PushedModel),
        )
        super().__init__(spec=spec)
