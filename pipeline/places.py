"""Where a recipe's data, runs and models are: the settings of all that reads or writes them."""

import os
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.hf_pusher.config import RepositoryConfig
from pipeline.recipes import load_recipe


def _place(pattern: str) -> Callable[[dict[str, Any]], str]:
    """Make the default of a folder that follows the recipe's name."""
    return lambda settings: pattern.format(recipe=load_recipe(settings["recipe"]).name)


def expand_home(path: str | None) -> str | None:
    """Expand `~` as a shell does it, which does not see what is in `.env`."""
    return os.path.expanduser(path) if path else path


class PlacesConfig(BaseModel):
    """The recipe, and the folders that follow its name."""

    model_config = ConfigDict(title="Every run")

    recipe: str = Field(
        "scenes",
        description="Recipe: data set, task, model and gate. scenes, pets, cifar10, tires, or the "
        "path of a TOML file.",
    )
    pipeline_root: str = Field(
        default_factory=_place("output/{recipe}/pipeline"),
        description="Where artifacts and metadata go. Default: by the recipe's name.",
    )
    data_root: str = Field(
        default_factory=_place("data/{recipe}"),
        description="Folder of train-*.tfrecord and val-*.tfrecord. Default: by the recipe's name.",
    )
    serving_dir: str = Field(
        default_factory=_place("output/{recipe}/serving"),
        description="Where blessed models are pushed to. Default: by the recipe's name.",
    )

    @field_validator("recipe", "pipeline_root", "data_root", "serving_dir")
    @classmethod
    def _expand_home(cls, path: str) -> str | None:
        return expand_home(path)

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, recipe: str) -> str:
        """Said with all else that is wrong."""
        load_recipe(recipe)
        return recipe

    @model_validator(mode="after")
    def _no_patterns(self) -> "PlacesConfig":
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


class ModelSettings(BaseSettings, PlacesConfig, RepositoryConfig):
    """The settings of a verb to which a model can be named: its folder, its run or its tag."""

    model_config = SettingsConfigDict(
        title=PlacesConfig.model_config["title"],
        env_file=".env",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )
