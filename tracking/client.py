"""MLflow, connected to: its address as it may be shown, its version, its refusals in words."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from components.secrets import SecretError, read_variable

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

T = TypeVar("T")

URI = "MLFLOW_TRACKING_URI"
# What MLflow's client reads from the environment alone.
_CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # What it prints is the address with the password in it.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # By itself it asks for minutes before it says that there is nobody.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_MAJOR = 3
_CURES = {
    401: "it does not know this user: correct the user and password in MLFLOW_TRACKING_URI, or "
    "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
    403: "this user may not do that: ask whoever administers it",
}


class TrackingError(ValueError):
    """MLflow has not what is asked for, or cannot be asked; the message has cause and cure.

    Attributes:
        code: MLflow's own name of the error; empty where it gave no answer.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Connection:
    """An MLflow server of a version that is known.

    Args:
        uri: its address, in which there may be a user and a password.

    Attributes:
        address: the same without them.
        client: MLflow's own, whose methods `ask` calls.

    Raises:
        TrackingError: it is no such server, or does not answer.
    """

    def __init__(self, uri: str) -> None:
        self.address = show_address(uri)
        for name, value in _MANNERS.items():
            os.environ.setdefault(name, value)
        try:
            import mlflow  # which takes seconds
        except ModuleNotFoundError as error:
            raise TrackingError(
                f"MLflow needs {error.name}, which is not installed: install it with `uv sync "
                "--extra tracking`."
            ) from None
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        self.client: MlflowClient = mlflow.MlflowClient(uri)
        self._check_version(uri)

    def ask(self, what: str, method: Callable[..., T], *arguments: object, **keywords: object) -> T:
        """Calls a method of the client.

        Args:
            what: is done, for a message: "read run 1234".
            method: of the client.
            *arguments: of the method.
            **keywords: of the method.

        Raises:
            TrackingError: the server refuses it, or cannot be reached.
        """
        from mlflow.exceptions import MlflowException

        try:
            return method(*arguments, **keywords)
        except MlflowException as error:
            # A message that the client itself makes may hold the address, and so the password.
            raise self._refusal(what, error) from None

    def _refusal(self, what: str, error: MlflowException) -> TrackingError:
        from mlflow.exceptions import RestException

        status = error.get_http_status_code()
        if status in _CURES:
            return TrackingError(f"MLflow at {self.address} refuses to {what}: {_CURES[status]}.")
        if status >= 500:
            return TrackingError(
                f"MLflow at {self.address} does not {what}: it cannot be reached, or fails; look "
                f"at its log, or correct {URI}."
            )
        said = str(error.message).splitlines() if isinstance(error, RestException) else []
        why = f" ({said[0].rstrip('.')})" if said else ""
        return TrackingError(f"MLflow at {self.address} refuses to {what}{why}.", error.error_code)

    def _check_version(self, uri: str) -> None:
        from mlflow.exceptions import MlflowException
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        try:
            answer = http_request(get_default_host_creds(uri), "/version", "GET")
        except (MlflowException, OSError):
            raise TrackingError(
                f"MLflow at {self.address} cannot be reached; look whether it runs, or correct "
                f"{URI}."
            ) from None
        if answer.status_code in _CURES:
            cure = _CURES[answer.status_code]
            raise TrackingError(f"MLflow at {self.address} refuses to answer: {cure}.")
        major = answer.text.strip().partition(".")[0]
        if answer.status_code != 200 or not major.isdecimal():
            raise TrackingError(
                f"What answers at {self.address} is no MLflow server; correct {URI}."
            )
        if int(major) != _MAJOR:
            raise TrackingError(
                f"MLflow at {self.address} is of version {answer.text.strip()[:20]}, and this "
                f"project speaks with {_MAJOR}.x; name a server of that version in {URI}."
            )


def connect() -> Connection:
    """Connects to the server of MLFLOW_TRACKING_URI, of the environment or of `.env`.

    Raises:
        TrackingError: none is named, or `Connection` raises it.
    """
    try:
        uri = read_variable(URI)
        credentials = {name: read_variable(name) for name in _CREDENTIALS}
    except SecretError as error:
        raise TrackingError(str(error)) from None
    if not uri:
        raise TrackingError(
            f"{URI} is not set: set it to the address of an MLflow server, such as "
            "http://127.0.0.1:5000."
        )
    for name, value in credentials.items():
        if value:
            os.environ.setdefault(name, value)
    return Connection(uri)


def show_address(uri: str) -> str:
    """The address of a server, without a user and a password.

    Raises:
        TrackingError: it is none of HTTP. The message does not repeat it.
    """
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:  # a port that is none, or brackets that do not close
        host = port = None
    if not host or parts.scheme not in ("http", "https"):
        raise TrackingError(
            f"{URI} is no address of a server: write http://HOST:PORT, or https://…"
        )
    named = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{named}{f':{port}' if port else ''}{path}"
