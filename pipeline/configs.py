"""Settings, typed, from environment variables and `.env`. Nothing else reads the environment."""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.recipe import Recipe
from pipeline.recipes import load_recipe

# Settings that stand for the recipe's fields of the same names.
_OVERRIDES = ("model", "image_size", "batch_size", "epochs", "learning_rate", "encoder_weights")


class Settings(BaseSettings):
    """What a user may set; each field is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(
        env_file=".env", extra="ignore", frozen=True, env_ignore_empty=True
    )

    recipe: str = Field("pets", description="Recipe: data set, task, model and gate.")
    pipeline_name: str = Field(
        "segformer-training-pipeline",
        pattern=r"^[a-z][a-z0-9-]{0,127}$",
        description="Name of the pipeline for `tfx`, for its metadata and on Vertex AI.",
    )
    pipeline_root: str = Field("output/pipeline", description="Where artifacts and metadata go.")
    data_root: str = Field(
        "data/synthetic-pets", description="Folder of train-*.tfrecord and val-*.tfrecord."
    )
    serving_dir: str = Field("output/serving", description="Where blessed models are pushed to.")
    model: str | None = Field(None, description="Architecture. Default: the recipe's.")
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
        None, description="imagenet, none, or a path of a weights file. Default: the recipe's."
    )

    def load_recipe(self) -> Recipe:
        """The recipe with the settings' overrides.

        Raises:
            ValueError: the recipe is unknown.
        """
        recipe = load_recipe(self.recipe)
        overrides = {
            name: value for name in _OVERRIDES if (value := getattr(self, name)) is not None
        }
        return recipe.with_overrides(overrides)


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable, what was found and what is expected."""


def load_settings(env_file: str | Path = ".env", **overrides: Any) -> Settings:
    """Reads the settings.

    Args:
        env_file: file of NAME=value lines; it need not exist.
        **overrides: fields that win over file and environment.

    Raises:
        SettingsError: a value does not fit.
    """
    try:
        return Settings(_env_file=env_file, **overrides)  # type: ignore[call-arg]  # pydantic's own
    except ValidationError as error:
        problems = [
            f"{str(problem['loc'][0]).upper()}={problem['input']!r}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsError("Wrong settings: " + "; ".join(problems) + ".") from None
