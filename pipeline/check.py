"""What is wrong or missing, named before a run begins."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from components.hf_pusher.answers import HubError
from components.hf_pusher.publish import check_hub
from components.secrets import SecretError
from models import preprocessing
from models.registry import check_model
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from pipeline.tuned import imported_hyperparameters
from tfrecords.dataset import SPLIT_PATTERNS
from tfrecords.errors import DataError, listed
from tfrecords.shards import first_example, verify_shards

# A run copies the examples once, and writes models and checkpoints of some tens of megabytes.
_COPIES_OF_DATA = 2
_ROOM_FOR_MODELS = 1_000_000_000


class CheckError(ValueError):
    """Something must be mended before a run; the message lists everything that was found."""


def check_local(settings: Settings) -> list[str]:
    """Checks settings, model, data, schema, folders and disk.

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
        lambda: first_records(settings, recipe),
        lambda: judged_classes(settings, recipe),
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


def first_records(settings: Settings, recipe: Recipe) -> str:
    """Holds the first record of each split against the schema and the model's input."""
    schema = text_format.Parse(recipe.schema_file.read_text(), schema_pb2.Schema())
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec
    for pattern in SPLIT_PATTERNS.values():
        path = os.path.join(settings.data_root, pattern)
        if not tf.io.gfile.glob(path):
            continue  # said by the check of the data
        record = first_example(path).SerializeToString()
        try:
            _check_record(tf.io.parse_single_example(record, spec), len(recipe.class_names))
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            raise DataError(
                f"The first record of {path} does not fit {recipe.schema_file.name}: "
                f"{_reason(error)}; "
                "write the data set again with tfrecords/, or correct the recipe."
            ) from error
    return f"first records fit {recipe.schema_file.name}"


def _check_record(features: dict[str, tf.Tensor], num_classes: int) -> None:
    image = preprocessing.decode_image(features[preprocessing.IMAGE])
    mask = preprocessing.decode_mask(features[preprocessing.LABEL])
    if image.shape[:2] != mask.shape:
        raise ValueError(
            f"the image is {image.shape[1]}x{image.shape[0]}, its mask "
            f"{mask.shape[1]}x{mask.shape[0]} pixels"
        )
    if int(tf.reduce_max(mask)) >= num_classes:
        raise ValueError(f"the mask holds {int(tf.reduce_max(mask))}, of {num_classes} class ids")


def judged_classes(settings: Settings, recipe: Recipe) -> str:
    """Looks through the validation masks until every class that has a floor was seen."""
    pattern = os.path.join(settings.data_root, SPLIT_PATTERNS["eval"])
    spec = {preprocessing.LABEL: tf.io.FixedLenFeature([], tf.string)}
    unseen = {
        index: name
        for index, name in enumerate(recipe.class_names)
        if recipe.gate.min_class_iou[name] > 0
    }
    files = sorted(tf.io.gfile.glob(pattern))
    try:
        for record in tf.data.TFRecordDataset(files):
            mask = tf.io.parse_single_example(record, spec)[preprocessing.LABEL]
            present = set(np.unique(preprocessing.decode_mask(mask)))
            unseen = {index: name for index, name in unseen.items() if index not in present}
            if not unseen:
                break
    except tf.errors.OpError as error:
        raise DataError(
            f"The masks of {pattern} cannot be read: {_reason(error)}; write the data set again "
            "with tfrecords/."
        ) from error
    if files and unseen:
        raise DataError(
            f"{' and '.join(unseen.values())} does not occur in {pattern}, so the floor of its IoU "
            "could not be judged; add images of it, or set its floor to 0 in the recipe."
        )
    return "every class with a floor occurs in the validation split"


def _reason(error: Exception) -> str:
    """An error's first line, without TensorFlow's name for the operation."""
    first = str(getattr(error, "message", error)).splitlines()[0]
    return first.replace("{{function_node __wrapped__", "").split("}} ")[-1]


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
