"""Secrets by reference: settings, specs and logs hold a name, the reader alone sees the value."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import dotenv
from pydantic import AfterValidator

if TYPE_CHECKING:
    from google.cloud import secretmanager

_SECRET_MANAGER = re.compile(r"projects/[^/]+/secrets/[^/]+(/versions/[^/]+)?")
# Capitals only: a token given by mistake is then no name, and is not repeated as one.
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_FILE = Path(".env")  # in the working directory, as for settings


class SecretError(RuntimeError):
    """A secret cannot be read; the message names the reference, never the value."""


def check_reference(reference: str) -> str:
    """Return a reference as it is.

    Raises:
        ValueError: it names neither an environment variable nor a secret. The message does not
            repeat it: it may be the secret itself.
    """
    if _SECRET_MANAGER.fullmatch(reference) or _VARIABLE.fullmatch(reference):
        return reference
    raise ValueError(
        "a secret is named, not given: set it to the name of a variable, of the environment or "
        "of .env, or to "
        "projects/PROJECT/secrets/SECRET[/versions/VERSION]"
    )


# In a settings class.
SecretReference = Annotated[str, AfterValidator(check_reference)]


def read_variable(name: str) -> str:
    """Return the value of a variable of the environment, or else of a line of `.env`.

    The file is read at each call, and what is in it goes into no environment.

    Returns:
        The value without the white space around it; empty where neither has one.

    Raises:
        SecretError: the file is no text.
    """
    if value := os.environ.get(name, "").strip():
        return value
    try:
        lines = dotenv.dotenv_values(_FILE, interpolate=False)
    except UnicodeDecodeError:
        raise SecretError(f"{_FILE} is no text in UTF-8: save it as such, or move it.") from None
    return (lines.get(name) or "").strip()


def read_secret(
    reference: str, client: secretmanager.SecretManagerServiceClient | None = None
) -> str:
    """Read a secret's value, without the white space around it.

    Args:
        reference: the name of a variable of the environment or of `.env`, or a secret of Google's
            Secret Manager, `projects/PROJECT/secrets/SECRET`, whose latest version is read where
            none is named.
        client: of Secret Manager; by default one with the machine's own credentials.

    Raises:
        SecretError: it is not there, empty, or may not be read.
    """
    if _SECRET_MANAGER.fullmatch(reference):
        value = _of_secret_manager(reference, client)
    else:
        value = read_variable(reference)
        if not value:
            raise SecretError(
                f"Environment variable {reference} is not set; set it to the secret's value, there "
                f"or in {_FILE}."
            )
    return value.strip()


def _of_secret_manager(
    reference: str, client: secretmanager.SecretManagerServiceClient | None
) -> str:
    from google.api_core import exceptions  # 2 s of imports that a token in a variable saves
    from google.auth.exceptions import GoogleAuthError
    from google.cloud import secretmanager

    version = reference if "/versions/" in reference else f"{reference}/versions/latest"
    try:
        client = client or secretmanager.SecretManagerServiceClient()
        answer = client.access_secret_version(name=version, timeout=60)
    except (exceptions.GoogleAPIError, GoogleAuthError) as error:
        reason = getattr(error, "message", None) or str(error)
        raise SecretError(
            f"{version} cannot be read from Secret Manager: {reason}. It must exist, and the "
            "service account of the step needs the role roles/secretmanager.secretAccessor."
        ) from error
    return answer.payload.data.decode()
