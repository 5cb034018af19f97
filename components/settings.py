"""Settings classes filled from environment variables and `.env`."""

from pathlib import Path
from typing import Any, TypeVar

import pydantic_settings
from pydantic import ValidationError
from pydantic_core import ErrorDetails

Settings = TypeVar("Settings", bound=pydantic_settings.BaseSettings)


class SettingsError(ValueError):
    """A setting is wrong; the message names the variable, what was found and what is expected."""


def read_settings(kind: type[Settings], env_file: str | Path, **overrides: Any) -> Settings:
    """Reads settings of a kind.

    Args:
        kind: the class.
        env_file: file of NAME=value lines; it need not exist.
        **overrides: fields that win over file and environment.

    Raises:
        SettingsError: a value does not fit.
    """
    try:
        return kind(_env_file=env_file, **overrides)  # type: ignore[call-arg]  # pydantic's own
    except ValidationError as error:
        problems = [_in_words(problem) for problem in error.errors()]
        raise SettingsError("Wrong settings: " + "; ".join(problems) + ".") from None
    except pydantic_settings.SettingsError as error:
        field = str(error).split('"')[1]
        raise SettingsError(f"Wrong settings: {field.upper()} is no JSON object.") from None


def _in_words(problem: ErrorDetails) -> str:
    """What is wrong with a setting, or with some together, whose problem has no place."""
    if not problem["loc"]:
        return str(problem["ctx"]["error"])
    name = str(problem["loc"][0])
    # In the place of a secret's name there may be the secret.
    given = "" if "secret" in name else f"={problem['input']!r}"
    return f"{name.upper()}{given}: {problem['msg']}"
