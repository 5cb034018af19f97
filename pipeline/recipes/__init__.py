"""The recipes by name. A new one is a file with `RECIPE` and a line here."""

import importlib

from models.registry import check_name
from pipeline.recipe import Recipe

_MODULES = {"pets": "pipeline.recipes.pets"}


def load_recipe(name: str) -> Recipe:
    """Imports a recipe.

    Raises:
        ValueError: unknown name; the message has the known ones and the nearest.
    """
    check_name("RECIPE", name, sorted(_MODULES))
    return importlib.import_module(_MODULES[name]).RECIPE
