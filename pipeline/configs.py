"""Settings, typed, from environment variables and `.env`. Nothing else reads the environment."""

import os
import shlex
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.endpoint_pusher.config import EndpointConfig
from components.hf_pusher.config import HubConfig
from components.settings import read_settings
from pipeline.recipe import PipelineName, Recipe
from pipeline.recipes import load_recipe
from pipeline.vertex.config import VertexConfig

# Settings that stand for the recipe's fields of the same names.
_OVERRIDES = (
    "model",
    "image_size",
    "batch_size",
    "epochs",
    "learning_rate",
    "encoder_weights",
    "tune_trials",
)


class Settings(BaseSettings, HubConfig, VertexConfig, EndpointConfig):
    """What a user may set; each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    recipe: str = Field(
        "pets",
        description="Recipe: data set, task, model and gate. A name, or the path of a TOML file.",
    )
    pipeline_name: PipelineName | None = Field(
        None,
        description="Name of the pipeline for `tfx`, for its metadata and on Vertex AI. Default: "
        "the recipe's, `segformer-training-pipeline` for `pets`.",
    )
    pipeline_root: str = Field("output/pipeline", description="Where artifacts and metadata go.")
    data_root: str = Field(
        "data/synthetic-pets", description="Folder of train-*.tfrecord and val-*.tfrecord."
    )
    serving_dir: str = Field("output/serving", description="Where blessed models are pushed to.")
    model: str | None = Field(
        None,
        description="Architecture: unet, unet_light, deeplabv3plus or segformer. Default: the "
        "recipe's.",
    )
    image_size: int | None = Field(
        None, gt=0, description="Side of the network's input, pixels. Default: the recipe's."
    )
    batch_size: int | None = Field(
        None, gt=0, description="Images in a training step. Default: the recipe's."
    )
    epochs: int | None = Field(
        None, gt=0, description="Passes over the training split. Default: the recipe's."
    )
    learning_rate: float | None = Field(
        None, gt=0, description="Peak of the learning rate's schedule. Default: the recipe's."
    )
    encoder_weights: str | None = Field(
        None,
        description="imagenet, none, or a path of a weights file, also gs://. Default: "
        "the recipe's.",
    )

    tune: bool = Field(False, description="Search the recipe's hyperparameters before training.")
    tune_trials: int | None = Field(
        None, gt=0, description="Trainings that a search may spend. Default: the recipe's."
    )
    hyperparameters: str | None = Field(
        None, description="Folder or file that a search wrote, to train with what it found."
    )

    @field_validator(
        "recipe", "pipeline_root", "data_root", "serving_dir", "encoder_weights", "hyperparameters"
    )
    @classmethod
    def _expand_home(cls, path: str | None) -> str | None:
        """As a shell does it, which does not see what is in `.env`."""
        return os.path.expanduser(path) if path else path

    @model_validator(mode="after")
    def _no_patterns(self) -> "Settings":
        """TFX finds files by patterns that begin with these folders, and quotes none of them."""
        for name in ("data_root", "pipeline_root"):
            folder = getattr(self, name)
            if name == "pipeline_root" and "://" not in folder:
                folder = os.path.abspath(folder)
            if set("*?[") & set(folder):
                raise ValueError(
                    f"{name.upper()}={folder} cannot be used, because TFX reads *, ? and [ as a "
                    "pattern: rename the folder, or choose another"
                )
        return self

    @model_validator(mode="after")
    def _one_source_of_hyperparameters(self) -> "Settings":
        if self.tune and self.hyperparameters:
            raise ValueError(
                f"TUNE=1 searches anew what HYPERPARAMETERS={self.hyperparameters} holds: unset "
                "one of them"
            )
        return self

    def overrides(self) -> dict[str, Any]:
        """What is set in the recipe's place, by the recipe's field."""
        return {name: value for name in _OVERRIDES if (value := getattr(self, name)) is not None}

    def is_default(self, *names: str) -> bool:
        """Whether settings are what they are where nobody sets them."""
        fields = type(self).model_fields
        return all(getattr(self, name) == fields[name].default for name in names)

    def as_typed(self, *names: str) -> str:
        """NAME=value of settings that are not the default, as one puts them before a command."""
        return " ".join(
            shlex.quote(f"{name.upper()}={getattr(self, name)}")
            for name in names
            if not self.is_default(name)
        )

    def name_pipeline(self) -> str:
        """PIPELINE_NAME, or else the recipe's pipeline.

        Raises:
            ValueError: the recipe is unknown.
        """
        return self.pipeline_name or self.load_recipe().name_pipeline()

    def load_recipe(self) -> Recipe:
        """The recipe with the settings' overrides, which are no longer searched.

        Raises:
            ValueError: the recipe is unknown.
        """
        recipe, overrides = load_recipe(self.recipe), self.overrides()
        space = {
            name: values for name, values in recipe.search_space.items() if name not in overrides
        }
        return recipe.with_overrides({**overrides, "search_space": space})


def load_settings(env_file: str | Path = ".env", **overrides: Any) -> Settings:
    """Reads the settings.

    Args:
        env_file: file of NAME=value lines; it need not exist.
        **overrides: fields that win over file and environment.

    Raises:
        SettingsError: a value does not fit.
    """
    return read_settings(Settings, env_file, **overrides)
