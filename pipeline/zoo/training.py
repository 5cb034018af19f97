"""Trains and averages networks on the images of a run, as its Trainer does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import artifact_utils
from tfx.utils import path_utils

from models import calibration, ensemble, signatures, train
from models.config import TrainingConfig
from models.provenance import read_provenance
from pipeline.runs.history import Run

# What figures of networks add up to where they answer as one.
_SUMMED = ("steps", "processor_seconds", "parameters")


def train_network(run: Run, config: TrainingConfig, folder: Path) -> Path:
    """Train a network.

    Args:
        run: whose images it is trained on, as they were transformed.
        config: what to train.
        folder: for all that a training writes.

    Returns:
        The SavedModel that it exported.

    Raises:
        ValueError: the training diverged, or the network cannot be built.
    """
    arguments = _arguments(run, folder)
    arguments.custom_config = {
        "training": config.model_dump(mode="json"),
        "checkpoints": str(folder / "checkpoints"),
        "code_digest": "",
    }
    train.run_fn(arguments)
    return Path(arguments.serving_model_dir)


def average_networks(run: Run, members: Sequence[Path], folder: Path) -> Path:
    """Export networks as one, which is calibrated and chooses its thresholds again.

    Args:
        run: whose images they were trained on.
        members: their SavedModels.
        folder: for what is written.

    Returns:
        The SavedModel.

    Raises:
        ValueError: they answer in different shapes.
    """
    arguments = _arguments(run, folder)
    transform = tft.TFTransformOutput(arguments.transform_output)
    trained = [read_provenance(str(member)) for member in members]
    # The members' logits are free of their classes' weights already.
    own = {"model": "average", "encoder": None, "encoder_weights": "none", "class_weights": ()}
    config = TrainingConfig(**trained[0].config).model_copy(update=own)
    model = ensemble.average(
        [
            ensemble.load_network(str(member), f"member_{number}")
            for number, member in enumerate(members)
        ]
    )
    figures: dict[str, Any] = {name: sum(one.training[name] for one in trained) for name in _SUMMED}
    figures["members"] = [one.config for one in trained]
    if config.calibrated:
        model, config, figures["temperature"] = calibration.calibrate(
            model, config, arguments, transform
        )
    signatures.export(model, transform, config, figures, arguments.serving_model_dir)
    return Path(arguments.serving_model_dir)


def _arguments(run: Run, folder: Path) -> FnArgs:
    """Return what TFX would give to the Trainer, but for its configuration."""
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
        serving_model_dir=path_utils.serving_model_dir(str(folder / "model")),
        model_run_dir=str(folder / "run"),
    )
    arguments.num_examples = run.num_examples()
    return arguments
