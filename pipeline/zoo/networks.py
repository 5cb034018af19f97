"""Which networks are compared, and how long each is trained."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from models.config import MOST_EPOCHS, TrainingConfig
from models.registry import check_model
from pipeline.recipe import Recipe

if TYPE_CHECKING:
    from pipeline.runs.history import Run


def list_configs(
    recipe: Recipe, num_train: int, seconds: float, steps: int | None
) -> list[TrainingConfig]:
    """Return what is trained of each of a recipe's networks.

    Args:
        recipe: with networks to compare.
        num_train: images of the training split.
        seconds: of processor time, that each is trained for.
        steps: of each, in place of the seconds; whole epochs are made of them.

    Raises:
        ValueError: the recipe names none, or some that cannot be built; all of them are told.
    """
    if not recipe.zoo:
        raise ValueError(
            f"Recipe {recipe.name} names no networks to compare: add some to a recipe, such as "
            'zoo = [{ encoder = "resnet_18" }, { encoder = "resnet_50" }].'
        )
    configs, problems = [], []
    for network in recipe.zoo:
        config = recipe.with_overrides(network.model_dump(exclude_none=True)).training_config()
        try:
            size, weights = config.image_size, config.encoder_weights
            check_model(config.task, config.model, size, weights, config.encoder)
        except ValueError as error:
            problems.append(str(error))
        in_epoch = max(1, num_train // config.batch_size)  # as the Trainer takes them
        epochs = math.ceil(steps / in_epoch) if steps else MOST_EPOCHS
        # Whoever has fewer steps to improve in has no fewer to be patient for.
        length = {"epochs": epochs, "patience": epochs}
        configs.append(
            config.model_copy(update=length if steps else {**length, "processor_seconds": seconds})
        )
    if problems:
        raise ValueError("\n".join(problems))
    return configs


def check_run(run: Run, recipe: Recipe) -> None:
    """Look whether networks of a recipe can be trained on the images of a run.

    Raises:
        ValueError: the run did not come to its transformed images, or they are others.
    """
    cure = f"train the recipe {recipe.name} once with `visionpipe train`, with the same settings"
    if run.output("Transform", "transform_graph") is None:
        raise ValueError(f"Run {run.run_id} ended before it had images to train on: {cure}.")
    made = json.loads(run.steps["Transform"].properties["custom_config"])
    if (made["task"], made["image_size"]) != (recipe.task, recipe.image_size):
        raise ValueError(
            f"Run {run.run_id} made images of {made['image_size']} px for {made['task']}, and "
            f"{recipe.image_size} px for {recipe.task} are asked for: {cure}."
        )


def tell_name(config: TrainingConfig) -> str:
    """Return what a network is called: architecture, encoder and weights."""
    weights = "" if config.encoder_weights == "none" else f", {config.encoder_weights}"
    return config.model + (f" on {config.encoder}" if config.encoder else "") + weights


def tell_length(config: TrainingConfig) -> str:
    """Tell how long a network is trained, in words."""
    if config.processor_seconds is None:
        return f"{config.epochs} epochs"
    return f"{config.processor_seconds:g} s of processor time"
