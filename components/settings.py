"""Settings classes filled from flags, environment variables and `.env`, in this order."""

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pydantic_settings
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import DotEnvSettingsSource

from tfrecords.spelling import find_misspelt

Settings = TypeVar("Settings", bound=pydantic_settings.BaseSettings)

# Names of other programs' variables are as short as this, such as MODE, and mean no setting.
_SHORT = 4
# The type of the error of a default that follows another setting, which is wrong itself.
_FOLLOWS = "default_factory_not_called"
# How alike a name in `.env` and a setting's are, 0..1, for the one to be meant by the other.
_ALIKE = 0.85


class SettingsError(ValueError):
    """Settings are wrong; the message names each, what was found and what is expected."""


def read_settings(
    kind: type[Settings],
    env_file: str | Path,
    flags: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Settings:
    """Read settings of a kind.

    Args:
        kind: the class.
        env_file: file of NAME=value lines; it need not exist.
        flags: what the command line gives, by field; it wins over file and environment.
        **overrides: fields that win over all.

    Raises:
        SettingsError: with every value that does not fit, and every name in the environment or the
            file that is almost a setting's; or the file is no text.
    """
    flags = flags or {}
    try:
        problems = [*_misspelt_variables(kind), *_misspelt_lines(kind, Path(env_file))]
    except UnicodeDecodeError:
        raise SettingsError(
            f"{env_file} is no text in UTF-8: save it as such, or move it."
        ) from None
    try:
        settings = kind(_env_file=env_file, **{**flags, **overrides})  # type: ignore[call-arg]
    except ValidationError as error:
        hidden = {name for name, field in kind.model_fields.items() if not field.repr}
        problems += [
            _in_words(problem, flags, hidden)
            for problem in error.errors()
            if problem["type"] != _FOLLOWS
        ]
    if not problems:
        return settings
    sentences = [one if one.endswith((".", "?")) else f"{one}." for one in problems]
    if len(sentences) == 1:
        raise SettingsError(f"Wrong settings: {sentences[0]}")
    raise SettingsError("\n  ".join(["Wrong settings:", *sentences]))


def name_flag(field: str) -> str:
    """Return the flag of a setting: `--image-size` of `image_size`."""
    return f"--{field.replace('_', '-')}"


def _misspelt_variables(kind: type[pydantic_settings.BaseSettings]) -> Iterator[str]:
    """Variables that are one letter off a setting: all others belong to other programs."""
    known = [name.upper() for name in kind.model_fields]
    for name in sorted(os.environ):
        if len(name) > _SHORT and name.upper() not in known:
            meant = find_misspelt(name.upper(), known)
            if meant:
                yield f"{name} in the environment is no setting, did you mean {meant}?"


def _misspelt_lines(kind: type[pydantic_settings.BaseSettings], env_file: Path) -> Iterator[str]:
    """Lines of `.env` whose names are like a setting's; other programs read the file too."""
    known = [name.upper() for name in kind.model_fields]
    for name in DotEnvSettingsSource(kind, env_file=env_file).env_vars:
        if len(name) > _SHORT and name.upper() not in known:
            for meant in difflib.get_close_matches(name.upper(), known, n=1, cutoff=_ALIKE):
                yield f"{name.upper()} in {env_file} is no setting, did you mean {meant}?"


def _in_words(problem: ErrorDetails, flags: Mapping[str, Any], hidden: set[str]) -> str:
    """Return what is wrong with a setting, or with some together, whose problem has no place."""
    said = problem["msg"]
    if problem["type"] == "value_error":
        said = str(problem["ctx"]["error"])
    field = str(problem["loc"][0]) if problem["loc"] else ""
    if not field or said.startswith(f"{field.upper()}="):
        return said
    name = name_flag(field) if field in flags else field.upper()
    # In the place of a secret's name there may be the secret, and one within an address.
    given = "" if "secret" in field or field in hidden else f"={problem['input']!r}"
    return f"{name}{given}: {said}"
