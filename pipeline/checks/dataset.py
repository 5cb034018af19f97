"""Holds what `dataset.json` says of the data against the recipe."""

from collections.abc import Sequence

from pipeline.configs import Settings
from pipeline.recipe import Recipe
from tfrecords.dataset import CALIBRATION_PATTERN, INFO_FILE, DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.example import CLASS_NAMES

# The recipe that the data of a generator are for; those of others are for any recipe.
_RECIPES = {
    "tfrecords.synthetic": "scenes",
    "tfrecords.synthetic tires": "tires",
    "tfrecords.create_tfrecords_pets": "pets",
    "tfrecords.create_tfrecords_cifar10": "cifar10",
}


def check_dataset(settings: Settings, recipe: Recipe) -> str:
    """Look whether the data were made for another recipe, or for other classes.

    A recipe of one's own may train on any data of its classes.

    Args:
        settings: where the data are.
        recipe: what is to be trained.

    Returns:
        What was found good.

    Raises:
        DataError: they do not fit.
    """
    root = settings.data_root
    try:
        info = read_info(root)
    except (DataError, OSError):  # shards are enough for a run
        return f"recipe {recipe.name}; no {INFO_FILE} says what the data were made for"
    told = (info.parameters.get(name, "") for name in ("generator", "scenes"))
    made_for = _RECIPES.get(" ".join(told).strip())
    if made_for not in (None, recipe.name) and recipe.name in _RECIPES.values():
        raise DataError(
            f"DATA_ROOT={root} holds data for recipe {made_for}, not for {recipe.name}: set "
            f"RECIPE={made_for}, or DATA_ROOT to other data."
        )
    if not classes_fit(info, recipe.class_names):
        raise DataError(
            f"DATA_ROOT={root} has the classes {', '.join(info.class_names)}, and recipe "
            f"{recipe.name} the class_names {', '.join(recipe.class_names)}: correct the recipe, "
            "or set DATA_ROOT to other data."
        )
    return f"recipe {recipe.name} fits the data"


def classes_fit(info: DatasetInfo, wanted: Sequence[str]) -> bool:
    """Tell whether data are of the classes of a recipe, or do not say of which they are."""
    given = info.class_names
    # Trimaps are of three classes, whatever a recipe calls them.
    renamed = set(given) == set(CLASS_NAMES) != set(wanted) and len(given) == len(wanted)
    return "class_names" not in info.model_fields_set or given == tuple(wanted) or renamed


def need_calibration(root: str, recipe: Recipe) -> DataError:
    """Make an error of data without the split that a recipe calibrates on."""
    [pattern] = CALIBRATION_PATTERN.values()
    return DataError(
        f"DATA_ROOT={root} has no {pattern}, on which recipe {recipe.name} calibrates: convert the "
        "data again with --calibration 0.1, or set calibrated = false in a recipe of your own."
    )
