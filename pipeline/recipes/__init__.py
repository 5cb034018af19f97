"""The recipes by name: a TOML file here, or a module with `RECIPE`; or a TOML file anywhere."""

import importlib
from pathlib import Path

from components.settings import SettingsError
from models.registry import check_name
from pipeline.recipe import Recipe
from pipeline.recipe_file import read_recipe

_FOLDER = Path(__file__).parent


def known_recipes() -> list[str]:
    """Name that `RECIPE` may take, sorted."""
    files = [*_FOLDER.glob("*.toml"), *_FOLDER.glob("[!_]*.py")]
    return sorted(path.stem for path in files)


def load_recipe(name: str) -> Recipe:
    """Read a recipe from its TOML file, or import it.

    Args:
        name: one of `known_recipes()`, or the path of a file that ends in `.toml`, see
            `read_recipe`.

    Raises:
        SettingsError: unknown name; the message has the known ones and the nearest. Or a file that
            is not there or is no recipe.
    """
    try:
        if name.endswith(".toml"):
            return read_recipe(Path(name), _load_known)
        check_name("RECIPE", name, known_recipes())
        return _load_known(name)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _load_known(name: str) -> Recipe:
    check_name("base", name, known_recipes())
    file = _FOLDER / f"{name}.toml"
    if file.exists():
        return read_recipe(file, _load_known)
    return importlib.import_module(f"{__name__}.{name}").RECIPE
