"""Tuned hyperparameters as a file: found, read, and held against the recipe."""

import hashlib
import os
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from pydantic_core import from_json

from models.hyperparameters import RECIPE, apply_hyperparameters
from pipeline.configs import Settings
from pipeline.recipe import Recipe


@dataclass(frozen=True)
class Hyperparameters:
    """What a Tuner found.

    Attributes:
        folder: the artifact's, which holds one file.
        config: the file's content, a `keras_tuner.HyperParameters` config.
        digest: SHA-256 of the file.
    """

    folder: str
    config: dict[str, Any]
    digest: str

    def __str__(self) -> str:
        """Name and value of each, for the terminal."""
        values = {name: value for name, value in self.config["values"].items() if name != RECIPE}
        return ", ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in values.items()
        )


def read_hyperparameters(path: str) -> Hyperparameters:
    """Read what a Tuner found.

    Args:
        path: the artifact's folder or the file in it.

    Raises:
        ValueError: there is no such file, or none that a Tuner wrote.
    """
    if "://" not in path:
        path = os.path.abspath(path)
    if not tf.io.gfile.exists(path):
        raise ValueError("there is no such file or folder")
    folder = path if tf.io.gfile.isdir(path) else os.path.dirname(path)
    files = tf.io.gfile.listdir(folder)
    if len(files) != 1:  # TFX reads the one file of an artifact's folder, whatever its name
        raise ValueError(f"its folder must hold that one file, and holds {len(files)}")
    with tf.io.gfile.GFile(os.path.join(folder, files[0]), "rb") as file:
        content = file.read()
    try:
        config = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise ValueError(f"it is no JSON ({error})") from None
    if not isinstance(config, dict):
        raise ValueError("it is no JSON object")
    return Hyperparameters(folder, config, hashlib.sha256(content).hexdigest())


def imported_hyperparameters(settings: Settings, recipe: Recipe) -> Hyperparameters | None:
    """Read the file that the settings name, and hold it against recipe and settings.

    Returns:
        What is to be trained with; None where the settings name no file.

    Raises:
        ValueError: it cannot be used, in one sentence.
    """
    path = settings.hyperparameters
    if path is None:
        return None
    try:
        found = read_hyperparameters(path)
        tuned = apply_hyperparameters(recipe.training_config(), found.config)
        for name in settings.overrides():
            value = getattr(recipe, name)
            if name in found.config["values"] and getattr(tuned, name) != value:
                raise ValueError(
                    f"{name.upper()}={value} contradicts its {name} {getattr(tuned, name)}"
                )
    except (ValueError, OSError, tf.errors.OpError) as error:
        raise ValueError(
            f"HYPERPARAMETERS={path} cannot be used for recipe {recipe.name}: {error}; give the "
            "folder that a run of this recipe with TUNE=1 has named, or none."
        ) from error
    return found
