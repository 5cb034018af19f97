"""What is wrong or missing, named before a run begins."""

import os
from collections.abc import Callable

import psutil
import tensorflow as tf

from components.data_stores import connect_lakefs
from components.git import git_commit
from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import check_hub
from components.secrets import SecretError
from models.registry import check_model
from pipeline import REPOSITORY
from pipeline.checks.dataset import check_dataset, need_calibration
from pipeline.checks.places import check_disk, check_folders
from pipeline.checks.records import check_records
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from pipeline.tuned import imported_hyperparameters
from tfrecords import storage
from tfrecords.dataset import CALIBRATION_PATTERN
from tfrecords.errors import DataError, listed
from tfrecords.shards import verify_shards

# Bytes of memory that a local run takes at its peak, of few images and of many.
_MEMORY = 2_000_000_000


class CheckError(ValueError):
    """Something must be mended before a run; the message lists everything that was found."""


def check_local(settings: Settings) -> list[str]:
    """Check settings, model, every record of the data, folders and disk.

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
        lambda: data(settings, recipe),
        lambda: check_dataset(settings, recipe),
        lambda: check_records(settings, recipe),
        lambda: check_folders(settings),
        lambda: check_disk(settings),
        memory,
        lambda: lakefs(settings),
        lambda: hub(settings),
        commit,
    ]
    return passed(checks)


def passed(checks: list[Callable[[], str]]) -> list[str]:
    """Make the checks; each returns what it found good, or raises ValueError.

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
    """Check that the architecture is there, and what it needs."""
    check_model(
        recipe.task, recipe.model, recipe.image_size, recipe.encoder_weights, recipe.encoder
    )
    return f"model {recipe.model}, encoder weights {recipe.encoder_weights}"


def hyperparameters(settings: Settings, recipe: Recipe) -> str:
    """Check that there is something to train with, or to search."""
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


def data(settings: Settings, recipe: Recipe) -> str:
    """Check that there are whole shards of every split."""
    root = settings.data_root
    if not tf.io.gfile.isdir(root):
        raise DataError(
            f"DATA_ROOT={root} is no folder; draw scenes with `make data`, convert images of your "
            "own with tfrecords/, or set DATA_ROOT to a folder of train-*.tfrecord and "
            "val-*.tfrecord."
        )
    counts = {}
    try:
        for split, name in recipe.split_patterns.items():
            pattern = os.path.join(root, name)
            if split in CALIBRATION_PATTERN and not storage.glob(pattern):
                raise need_calibration(root, recipe)
            counts[split] = verify_shards(pattern)
    except OSError as error:
        raise DataError(
            f"{error.filename} in DATA_ROOT={root} cannot be read: {error.strerror}; mend its "
            "permissions."
        ) from error
    return "data " + ", ".join(f"{count} {split}" for split, count in counts.items()) + " examples"


def memory() -> str:
    """Check that the machine has the memory that a local run takes."""
    free, needed = psutil.virtual_memory().available / 1e9, _MEMORY / 1e9
    if free < needed:
        raise ValueError(
            f"This machine has {free:.1f} GB of memory free, a run takes about {needed:.1f} GB; "
            "end other programs, or run on Vertex AI, with USE_DATAFLOW=1 for its data."
        )
    return f"memory {free:.1f} GB free, about {needed:.1f} GB needed"


def lakefs(settings: Settings) -> str:
    """Check that lakeFS takes what would be pushed."""
    if not settings.lakefs_repository:
        return "nothing is pushed to lakeFS: LAKEFS_REPOSITORY is not set"
    store = connect_lakefs(settings)
    from components.lakefs_pusher.push import check_push  # of an extra of the install

    return check_push(store, settings, settings.load_recipe().name)


def hub(settings: Settings) -> str:
    """Check that the Hub takes what would be published."""
    if not settings.hf_repo_id:
        return "nothing is published: HF_REPO_ID is not set"
    try:
        return check_hub(settings, settings.load_recipe().name)
    except (HubError, SecretError) as error:
        raise ValueError(str(error)) from error


def commit() -> str:
    """Which code a run will be recorded with, and why with none; that stops no run."""
    return f"code of commit {git_commit(REPOSITORY)}"
