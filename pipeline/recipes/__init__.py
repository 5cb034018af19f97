"""The recipes by name. A new one is a file with `RECIPE` and a line here."""

import difflib
import importlib

from pipeline.recipe import Recipe

_MODULES = {"pets": "pipeline.recipes.pets"}


def load_recipe(name: str) -> Recipe:
    """Imports a recipe.

    Raises:
        ValueError: unknown name; the message has the known ones and the nearest.
    """
    if name not in _MODULES:
        near = difflib.get_close_matches(name, _MODULES, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"RECIPE={name} is unknown; known are {', '.join(_MODULES)}.{hint}")
    return importlib.import_module(_MODULES[name]).RECIPE
