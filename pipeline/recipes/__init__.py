"""The recipes by name: a file with `RECIPE` and a line here, or a TOML file anywhere."""

import importlib
import tomllib
from pathlib import Path

from pydantic import ValidationError

from models.registry import check_name
from pipeline.recipe import Recipe

_MODULES = {"pets": "pipeline.recipes.pets"}
_BASE = "base"


def load_recipe(name: str) -> Recipe:
    """Imports a recipe, or reads one from a TOML file.

    Args:
        name: a name that is known here, or a path that ends in `.toml`. The file has the fields of
            `Recipe`, with paths relative to its folder. With `base = "NAME"` all other fields but
            `pipeline_name` are inherited from that recipe.

    Raises:
        ValueError: unknown name; the message has the known ones and the nearest. Or a file that is
            not there or is no recipe.
    """
    if name.endswith(".toml"):
        return _read_recipe(Path(name))
    check_name("RECIPE", name, sorted(_MODULES))
    return importlib.import_module(_MODULES[name]).RECIPE


def _read_recipe(path: Path) -> Recipe:
    try:
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        base = fields.pop(_BASE, None)
        if base is not None:
            check_name(_BASE, base, sorted(_MODULES))
            inherited = load_recipe(base).model_dump(exclude_unset=True, exclude={"pipeline_name"})
            fields = {**inherited, **fields}
        if "schema_file" in fields:
            fields["schema_file"] = path.parent.resolve() / fields["schema_file"]
        return Recipe(**fields)
    except OSError as error:
        raise ValueError(f"RECIPE={path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        reasons = "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}".removeprefix(": ")
            for detail in error.errors()
        )
        raise ValueError(f"RECIPE={path} is no recipe: {reasons}.") from None
    except ValueError as error:  # no TOML, no text, or an unknown base
        raise ValueError(f"RECIPE={path} is no recipe: {error}") from None
