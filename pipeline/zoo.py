"""Networks compared: each is trained for as many steps on the same images, and judged alike."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts.examples import parse, records, value
from models import train
from models.config import TrainingConfig
from models.registry import check_model, load_task
from pipeline.inference.model import ExportedModel
from pipeline.recipe import Recipe
from pipeline.runs.history import Run

_BATCH = 16
_RESAMPLES = 1000
_PERCENTILES = (2.5, 97.5)
_TIMED = 20  # images, each asked for alone


@dataclass(frozen=True)
class Compared:
    """A network, trained and judged.

    Attributes:
        name: architecture, encoder and weights.
        steps: that it was trained for.
        processor_seconds: that its training took.
        value: of the metric, on the validation split.
        low: lower end of the value's 95 % interval.
        high: its upper end.
        parameters: that are trained.
        megabytes: of the SavedModel.
        milliseconds: that an image alone takes, the median.
        figures: all metrics, by key.
    """

    name: str
    steps: int
    processor_seconds: float
    value: float
    low: float
    high: float
    parameters: int
    megabytes: float
    milliseconds: float
    figures: dict[str, float]


def list_configs(recipe: Recipe, num_train: int, steps: int | None) -> list[TrainingConfig]:
    """What is trained of each of a recipe's networks.

    Args:
        recipe: with networks to compare.
        num_train: images of the training split.
        steps: of each, which whole epochs are made of; None for those of the recipe's epochs.

    Raises:
        ValueError: the recipe names none, or some that cannot be built; all of them are told.
    """
    if not recipe.zoo:
        raise ValueError(
            f"Recipe {recipe.name} names no networks to compare: add some to a recipe, such as "
            'zoo = [{ encoder = "resnet_18" }, { encoder = "resnet_50" }].'
        )
    steps = steps or recipe.epochs * _steps(num_train, recipe.batch_size)
    configs, problems = [], []
    for network in recipe.zoo:
        config = recipe.with_overrides(network.model_dump(exclude_none=True)).training_config()
        try:
            size, weights = config.image_size, config.encoder_weights
            check_model(config.task, config.model, size, weights, config.encoder)
        except ValueError as error:
            problems.append(str(error))
        epochs = math.ceil(steps / _steps(num_train, config.batch_size))
        # Whoever has fewer steps to improve in has no fewer to be patient for.
        configs.append(config.model_copy(update={"epochs": epochs, "patience": epochs}))
    if problems:
        raise ValueError("\n".join(problems))
    return configs


def check_run(run: Run, recipe: Recipe) -> None:
    """Looks whether networks of a recipe can be trained on the images of a run.

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


def compare(
    run: Run,
    configs: Sequence[TrainingConfig],
    metric: str,
    tell: Callable[[str], None],
) -> list[Compared]:
    """Trains and judges networks, one after the other; those whose training fails are left out.

    Args:
        run: whose images they are trained on, as it transformed them.
        configs: what to train.
        metric: key of the metric that they are ranked by.
        tell: told what a user should know meanwhile.

    Returns:
        They, the best first; of equals the smaller one.
    """
    compared = []
    for number, config in enumerate(configs, 1):
        tell(f"Training {number} of {len(configs)}: {tell_name(config)}, {config.epochs} epochs.")
        with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
            try:
                figures = _train(run, config, folder)
            except ValueError as error:  # it diverged
                tell(f"{tell_name(config)} is left out: {error}")
            else:
                compared.append(_judge(run, config, metric, figures, folder))
        keras.backend.clear_session()
    measured = load_task(configs[0].task).measured(configs[0].class_names)
    return rank(compared, measured[metric].metric.sign)


def rank(compared: Sequence[Compared], sign: int) -> list[Compared]:
    """Networks, the best first; of equals the smaller one, and last what cannot be judged.

    Args:
        compared: networks.
        sign: 1 where the higher of two values is the better one, -1 where the lower one is.
    """
    return sorted(
        compared, key=lambda one: (math.isnan(one.value), -sign * one.value, one.megabytes)
    )


def tell_name(config: TrainingConfig) -> str:
    """What a network is called: architecture, encoder and weights."""
    weights = "" if config.encoder_weights == "none" else f", {config.encoder_weights}"
    return config.model + (f" on {config.encoder}" if config.encoder else "") + weights


def find_interval(
    counts: Sequence[dict[str, npt.NDArray[np.float64]]],
    measure: Callable[[dict[str, npt.NDArray[np.float64]]], float],
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of a figure by the bootstrap's percentiles.

    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.

    Args:
        counts: of each image, which add up.
        measure: the figure of their sums.
        seed: of the resampling.
    """
    random = np.random.default_rng(seed)
    total = len(counts)
    drawn = random.multinomial(total, np.full(total, 1 / total), size=_RESAMPLES)
    sums = {
        name: np.tensordot(drawn, np.stack([one[name] for one in counts]), axes=1)
        for name in counts[0]
    }
    values = [
        measure({name: of_all[number] for name, of_all in sums.items()})
        for number in range(_RESAMPLES)
    ]
    low, high = np.nanpercentile(values, _PERCENTILES)
    return float(low), float(high)


def _train(run: Run, config: TrainingConfig, folder: str) -> dict[str, Any]:
    """Trains as the Trainer does; returns the training's figures."""
    graph = str(run.uri("Transform", "transform_graph"))
    examples = run.steps["ImportExampleGen"].outputs["examples"]
    train_folder, eval_folder = (
        artifact_utils.get_split_uri([examples], split) for split in ("train", "eval")
    )
    arguments = FnArgs(
        train_files=[f"{train_folder}/*"],
        eval_files=[f"{eval_folder}/*"],
        transform_graph_path=graph,
        transform_output=graph,
        serving_model_dir=path_utils.serving_model_dir(f"{folder}/model"),
        model_run_dir=f"{folder}/run",
        custom_config={
            "training": config.model_dump(mode="json"),
            "checkpoints": f"{folder}/checkpoints",
            "code_digest": "",
        },
    )
    arguments.num_examples = run.num_examples()
    train.run_fn(arguments)
    return json.loads(Path(folder, "run", train.FIGURES).read_text())


def _judge(
    run: Run, config: TrainingConfig, metric: str, figures: dict[str, Any], folder: str
) -> Compared:
    """Judges the model that `_train` left in a folder, on the validation split."""
    path = Path(path_utils.serving_model_path(f"{folder}/model"))
    model = ExportedModel(path)
    examples = list(records(run.steps["ImportExampleGen"].outputs["examples"], "eval"))
    counts = [
        model.counts(judged)
        for first in range(0, len(examples), _BATCH)
        for judged in model.judge(examples[first : first + _BATCH])
    ]
    sums = {name: np.sum([one[name] for one in counts], axis=0) for name in counts[0]}
    measured = model.figures(sums)
    low, high = find_interval(counts, lambda sums: model.figures(sums)[metric], config.seed)
    return Compared(
        name=tell_name(config),
        steps=figures["steps"],
        processor_seconds=figures["processor_seconds"],
        value=measured[metric],
        low=low,
        high=high,
        parameters=figures["parameters"],
        megabytes=sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6,
        milliseconds=_time(model, [value(parse(one), "image") for one in examples[:_TIMED]]),
        figures=measured,
    )


def _time(model: ExportedModel, images: Sequence[bytes]) -> float:
    """Milliseconds that an image takes, once the model was asked for the first time."""
    model.serve(images[0])
    taken = []
    for image in images:
        began = time.perf_counter()
        model.serve(image)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def _steps(num_train: int, batch_size: int) -> int:
    """Steps of an epoch, as the Trainer takes them."""
    return max(1, num_train // batch_size)
