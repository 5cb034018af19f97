"""HFPusher's place in a TFX graph: what it takes and what it gives."""

import json
from pathlib import Path

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts

from components.demo import app_folders
from components.digest import folder_digest
from components.hf_pusher.config import HubConfig
from components.hf_pusher.executor import Executor
from components.pushing import PushingSpec


class HFPusher(base_component.BaseComponent):
    """Publishes a blessed model with its card, and a Space that serves it, on the Hub.

    Nothing is done with a model that was refused.

    Args:
        model: the SavedModel.
        model_blessing: the Evaluator's verdict on it.
        infra_blessing: the ModelValidator's.
        evaluation: the Evaluator's figures of it.
        examples: what it was trained and judged on; the card shows some of the validation split.
        config: where to publish. Secrets travel in it by reference.
        data_root: the data set's folder, whose `dataset.json` says where the images come from.
        task: what the model does, by name.
        code_digest: of the learning code, for the card.
        edge_model: the same model as LiteRT; published where it holds `model.tflite`.

    The output `pushed_model` has custom properties: `pushed`, 0 or 1, and of what was pushed
    `repo_id`, `revision`, `tag`, `url`, `space_id`, `space_revision` and `space_url`.
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
        config: HubConfig,
        data_root: str,
        task: str,
        code_digest: str,
        edge_model: types.BaseChannel | None = None,
    ) -> None:
        custom_config = {
            "hub": {name: getattr(config, name) for name in HubConfig.model_fields},
            "data_root": data_root,
            "code_digest": code_digest,
            "publisher_digest": folder_digest(Path(__file__).parent, *app_folders(task)),
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
