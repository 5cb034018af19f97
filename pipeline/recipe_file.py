"""A recipe in a TOML file, whose faults are told with their lines."""

import difflib
import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pipeline.recipe import Recipe, encoder_of_its_own

_BASE = "base"


def read_recipe(path: Path, load_base: Callable[[str], Recipe]) -> Recipe:
    """Read a recipe.

    Args:
        path: a file with the fields of `Recipe`. With `base = "NAME"` all other fields but
            `pipeline_name` are inherited from that recipe, but the encoder if `model` differs, and
            but `convert` if `class_names` are given. Of `gate`, what it does not hold is inherited,
            but `slice_limit` if it holds `limits`, and `limits` if `class_names` are given.
        load_base: gives the recipe of a name; raises ValueError where there is none.

    Raises:
        ValueError: the file is not there or is no recipe; the message has all that is wrong.
    """
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        fields = tomllib.loads(text)
        inherited: dict[str, Any] = {}
        if _BASE in fields:
            base = load_base(str(fields.pop(_BASE)))
            inherited = base.model_dump(exclude_unset=True, exclude={"pipeline_name"})
            if "class_names" in fields:  # other classes are converted otherwise
                inherited.pop("convert", None)
            if fields.get("model", base.model) != base.model:
                inherited |= encoder_of_its_own()
            if "gate" in fields:
                gate = dict(inherited["gate"])
                if "class_names" in fields:  # limits may be of classes that there are no more
                    gate.pop("limits", None)
                fields["gate"] = _inherit_gate(gate, fields["gate"])
        return Recipe(**{**inherited, **fields})
    except OSError as error:
        raise ValueError(f"RECIPE={path} cannot be read: {error.strerror}.") from None
    except ValidationError as error:
        faults = "; ".join(_in_words(fault, text) for fault in error.errors())
        raise _refusal(path, faults) from None
    except ValueError as error:  # no TOML, no text, or an unknown base
        raise _refusal(path, str(error)) from None


def _inherit_gate(base: dict[str, Any], own: Any) -> Any:
    """Merge a gate over that of the base; what is no table is left to who looks at its value."""
    if not isinstance(own, dict):
        return own
    inherited = dict(base)
    if "limits" in own:  # whoever asks less of all images would not expect more of a slice
        inherited.pop("slice_limit", None)
    gate = inherited | own
    if isinstance(own.get("edge"), dict):
        gate["edge"] = base.get("edge", {}) | own["edge"]
    return gate


def _refusal(path: Path, why: str) -> ValueError:
    end = "" if why.endswith(("?", ".")) else "."
    return ValueError(f"RECIPE={path} is no recipe: {why}{end}")


def find_line(text: str, keys: Sequence[str]) -> int | None:
    """Return the line, from 1, of the statement of a TOML file that first sets a key.

    Args:
        text: the file.
        keys: the key's name after those of the tables that it is in.

    Returns:
        None where no statement sets it.
    """
    lines = text.splitlines(keepends=True)
    begin = 0
    for end in range(1, len(lines) + 1):
        try:
            fields: Any = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # the statement goes on in the next line
        for key in keys:
            fields = fields.get(key) if isinstance(fields, dict) else None
        if fields is not None:
            return begin + 1
        begin = end
    return None


def _in_words(fault: ErrorDetails, text: str) -> str:
    """Return what is wrong, and its line or, of a missing field, the line of its table."""
    keys = [str(key) for key in fault["loc"]]
    ours = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else ""
    if ours and not keys:  # of the whole recipe: our sentences begin with the key
        keys = re.findall(r"^\w+", ours)
    lines = (find_line(text, keys[:depth]) for depth in range(len(keys), 0, -1))
    line = next((line for line in lines if line is not None), None)
    place = f"line {line}: " if line else ""
    name = ".".join(keys)
    if fault["type"] == "extra_forbidden":
        near = difflib.get_close_matches(keys[-1], _known_keys(keys[:-1]), n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        return f"{place}{name} is unknown{hint}"
    if fault["type"] == "missing":
        return f"{place}{name} is missing"
    if ours and not fault["loc"]:
        return f"{place}{ours}"
    return f"{place}{name}: {ours or fault['msg']}"


def _known_keys(tables: Sequence[str]) -> list[str]:
    """Return the keys that a table of a recipe may have."""
    kind: type[BaseModel] = Recipe
    for table in tables:
        field = kind.model_fields.get(table)
        kinds = [field.annotation, *get_args(field.annotation)] if field else []
        tables_of = [kind for kind in kinds if isinstance(kind, type)]
        found = [kind for kind in tables_of if issubclass(kind, BaseModel)]
        if not found:
            return []
        kind = found[0]
    return list(kind.model_fields)
