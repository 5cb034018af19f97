"""What is wrong or missing, named before a run begins."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import check_hub
from components.secrets import SecretError
from models.registry import check_model
from pipeline.check_records import check_records
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from pipeline.tuned import imported_hyperparameters
from tfrecords.dataset import SPLIT_PATTERNS
from tfrecords.errors import DataError, listed
from tfrecords.shards import verify_shards

# A run copies the examples once, and writes models and checkpoints of some tens of megabytes.
_COPIES_OF_DATA = 2
_ROOM_FOR_MODELS = 1_000_000_000


class CheckError(ValueError):
    """Something must be mended before a run; the message lists everything that was found."""


def check_local(settings: Settings) -> list[str]:
    """Checks settings, model, every record of the data, folders and disk.

    Args:
        settings: what the run would be made with.

    Returns:
        What was checked and found good, a line each.

    Raises:
        CheckError: with every problem found, each with its cure.
    """
    recipe = settings.load_recipe()
    checks: list[Callable[[], str]] = [
        lambda: model(recipe),
        lambda: hyperparameters(settings, recipe),
        lambda: data(settings),
        lambda: check_records(settings, recipe),
        lambda: _folders(settings),
        lambda: _disk(settings),
        lambda: hub(settings),
    ]
    return passed(checks)


def passed(checks: list[Callable[[], str]]) -> list[str]:
    """Makes checks; each returns what it found good, or raises ValueError.

    Raises:
        CheckError: with every problem found.
    """
    good, problems = [], []
    for check in checks:
        try:
            good.append(check())
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise CheckError(listed("The run cannot start:", problems))
    return good


def model(recipe: Recipe) -> str:
    """That the architecture is there, and what it needs."""
    check_model(recipe.model, recipe.image_size, recipe.encoder_weights)
    return f"model {recipe.model}, encoder weights {recipe.encoder_weights}"


def hyperparameters(settings: Settings, recipe: Recipe) -> str:
    """That there is something to train with, or to search."""
    found = imported_hyperparameters(settings, recipe)
    if found:
        return f"hyperparameters {found} of {found.folder}"
    if not settings.tune:
        return f"hyperparameters of recipe {recipe.name}"
    if not recipe.search_space:
        raise ValueError(
            f"TUNE=1 has nothing to search: recipe {recipe.name} names no search_space beside "
            "what the settings fix; unset TUNE, or what they fix."
        )
    return f"search of {', '.join(recipe.search_space)} in {recipe.tune_trials} trials"


def data(settings: Settings) -> str:
    """That there are whole shards of both splits."""
    root = settings.data_root
    if not tf.io.gfile.isdir(root):
        raise DataError(
            f"DATA_ROOT={root} is no folder; draw the default data set with `make data`, or set "
            "DATA_ROOT to a folder of train-*.tfrecord and val-*.tfrecord."
        )
    counts = {
        split: verify_shards(os.path.join(root, pattern))
        for split, pattern in SPLIT_PATTERNS.items()
    }
    return "data " + ", ".join(f"{count} {split}" for split, count in counts.items()) + " examples"


def _folders(settings: Settings) -> str:
    for name in ("pipeline_root", "serving_dir"):
        folder = getattr(settings, name)
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ValueError(
                f"{name.upper()}={folder} cannot be written: {error.strerror}; choose another "
                "folder or mend its permissions."
            ) from error
    return f"folders {settings.pipeline_root} and {settings.serving_dir} can be written"


def hub(settings: Settings) -> str:
    """That the Hub takes what would be published."""
    if not settings.hf_repo_id:
        return "nothing is published: HF_REPO_ID is not set"
    try:
        return check_hub(settings, settings.load_recipe().name)
    except (HubError, SecretError) as error:
        raise ValueError(str(error)) from error


def _disk(settings: Settings) -> str:
    data = sum(
        tf.io.gfile.stat(path).length
        for pattern in SPLIT_PATTERNS.values()
        for path in tf.io.gfile.glob(os.path.join(settings.data_root, pattern))
    )
    needed = _COPIES_OF_DATA * data + _ROOM_FOR_MODELS
    existing = next(p for p in (Path(settings.pipeline_root).resolve() / "x").parents if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ValueError(
            f"PIPELINE_ROOT={settings.pipeline_root} has {free / 1e9:.1f} GB free, the run needs "
            f"about {needed / 1e9:.1f} GB; free some, or choose another disk."
        )
    return f"disk {free / 1e9:.1f} GB free, about {needed / 1e9:.1f} GB needed"
