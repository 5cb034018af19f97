"""Settings, typed, from environment variables and `.env`. Nothing else reads the environment."""

import itertools
import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.data_stores import DataVersionConfig
from components.endpoint_pusher.config import EndpointConfig
from components.hf_pusher.config import HubConfig
from components.lakefs_pusher.config import LakeFSConfig
from components.settings import name_flag, read_settings
from models.config import BatchSize, Epochs, ImageSize, LearningRate, Optimizer
from models.registry import check_name, known_encoders, known_models, known_tasks
from pipeline.places import PlacesConfig, expand_home
from pipeline.recipe import PipelineName, Recipe
from pipeline.recipes import load_recipe
from pipeline.vertex.config import VertexConfig
from tracking.config import TrackingConfig

# Settings that stand for the recipe's fields of the same names.
_OVERRIDES = (
    "model",
    "image_size",
    "batch_size",
    "epochs",
    "learning_rate",
    "optimizer",
    "encoder",
    "encoder_weights",
    "tune_trials",
)


class Settings(
    BaseSettings,
    PlacesConfig,
    HubConfig,
    VertexConfig,
    EndpointConfig,
    DataVersionConfig,
    LakeFSConfig,
    TrackingConfig,
):
    """What a user may set; each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        title="Every run", env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    pipeline_name: PipelineName | None = Field(
        None,
        description="Name of the pipeline for `tfx`, for its metadata and on Vertex AI. Default: "
        "the recipe's, `segformer-training-pipeline` for `scenes` and `pets`.",
    )
    model: str | None = Field(
        None,
        description="Architecture; of "
        + "; of ".join(f"{task}: {', '.join(known_models(task))}" for task in known_tasks())
        + ". Default: the recipe's.",
    )
    image_size: ImageSize | None = Field(
        None, description="Side of the network's input, pixels. Default: the recipe's."
    )
    batch_size: BatchSize | None = Field(
        None, description="Images in a training step. Default: the recipe's."
    )
    epochs: Epochs | None = Field(
        None, description="Passes over the training split. Default: the recipe's."
    )
    learning_rate: LearningRate | None = Field(
        None, description="Peak of the learning rate's schedule. Default: the recipe's."
    )
    optimizer: Optimizer | None = Field(
        None, description="Who takes the steps: adamw, adam or sgd. Default: the recipe's."
    )
    encoder: str | None = Field(
        None,
        description=f"The architecture's first half: {', '.join(known_encoders())}. Default: "
        "the recipe's, or else the architecture's own.",
    )
    encoder_weights: str | None = Field(
        None,
        description="imagenet, none, or a path of a weights file, also gs://. Default: "
        "the recipe's.",
    )

    tune: bool = Field(False, description="Search the recipe's hyperparameters before training.")
    tune_trials: int | None = Field(
        None,
        gt=0,
        le=10_000,
        description="Trainings that a search may spend. Default: the recipe's.",
    )
    hyperparameters: str | None = Field(
        None, description="Folder or file that a search wrote, to train with what it found."
    )

    @field_validator("encoder_weights", "hyperparameters")
    @classmethod
    def _expand_home_of_files(cls, path: str | None) -> str | None:
        return expand_home(path)

    @field_validator("model")
    @classmethod
    def _known_model(cls, name: str | None, info: ValidationInfo) -> str | None:
        """Said before TensorFlow is imported, which a longer look at the model needs."""
        if name is not None:
            recipe = info.data.get("recipe")  # not there where it is wrong itself
            tasks = [load_recipe(recipe).task] if recipe else known_tasks()
            check_name("MODEL", name, sorted(itertools.chain(*map(known_models, tasks))))
        return name

    @field_validator("encoder")
    @classmethod
    def _known_encoder(cls, name: str | None) -> str | None:
        if name is not None:
            check_name("ENCODER", name, known_encoders())
        return name

    @model_validator(mode="after")
    def _one_source_of_data(self) -> "Settings":
        if self.data_version and "data_root" in self.model_fields_set:
            raise ValueError(
                f"DATA_ROOT={self.data_root} and DATA_VERSION both say what to train on: unset one "
                "of them"
            )
        return self

    @model_validator(mode="after")
    def _one_source_of_hyperparameters(self) -> "Settings":
        if self.tune and self.hyperparameters:
            raise ValueError(
                f"TUNE=1 searches again what HYPERPARAMETERS={self.hyperparameters} holds: unset "
                "one of them"
            )
        return self

    def overrides(self) -> dict[str, Any]:
        """Return what is set in the recipe's place, by the recipe's field."""
        return {name: value for name in _OVERRIDES if (value := getattr(self, name)) is not None}

    def default(self, name: str) -> Any:
        """Return what a setting is where nobody sets it, beside this recipe."""
        field = type(self).model_fields[name]
        recipe = {"recipe": self.recipe}
        return field.get_default(call_default_factory=True, validated_data=recipe)

    def is_default(self, *names: str) -> bool:
        """Tell whether settings are what they are where nobody sets them."""
        return all(getattr(self, name) == self.default(name) for name in names)

    def as_typed(self, *names: str) -> str:
        """NAME=value of settings that are not the default, as one puts them before a command.

        Where a version is named, the folder that it was brought to is not.
        """
        told = self._told(names).items()
        return shlex.join(f"{name.upper()}={value}" for name, value in told)

    def as_flags(self, *names: str) -> str:
        """Return the same as flags, as one puts them behind a verb."""
        words: list[str] = []
        for name, value in self._told(names).items():
            flag = name_flag(name if value != "False" else f"no_{name}")
            words += [flag] if value in ("True", "False") else [flag, value]
        return shlex.join(words)

    def _told(self, names: Sequence[str]) -> dict[str, str]:
        """Those of the settings that are not the default, as text."""
        versioned = self.data_version and "data_version" in names
        values = {
            name: getattr(self, name)
            for name in names
            if not self.is_default(name) and not (versioned and name == "data_root")
        }
        return {
            name: json.dumps(value) if isinstance(value, dict) else str(value)
            for name, value in values.items()
        }

    def name_pipeline(self) -> str:
        """PIPELINE_NAME, or else the recipe's pipeline.

        Raises:
            ValueError: the recipe is unknown.
        """
        return self.pipeline_name or self.load_recipe().name_pipeline()

    def load_recipe(self) -> Recipe:
        """Return the recipe with the settings' overrides, which are no longer searched.

        Raises:
            ValueError: the recipe is unknown.
        """
        recipe, overrides = load_recipe(self.recipe), self.overrides()
        check_name("MODEL", overrides.get("model", recipe.model), known_models(recipe.task))
        space = {
            name: values for name, values in recipe.search_space.items() if name not in overrides
        }
        return recipe.with_overrides({**overrides, "search_space": space})


def load_settings(
    env_file: str | Path = ".env", flags: Mapping[str, Any] | None = None, **overrides: Any
) -> Settings:
    """Read the settings.

    Args:
        env_file: file of NAME=value lines; it need not exist.
        flags: what the command line gives, by field; it wins over file and environment.
        **overrides: fields that win over all.

    Raises:
        SettingsError: a value does not fit, a name is almost that of a setting, or the recipe is
            unknown or none.
    """
    return read_settings(Settings, env_file, flags, **overrides)
