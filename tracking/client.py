"""MLflow, connected to: its address as it may be shown, its version, its refusals in words."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import astuple
from typing import TYPE_CHECKING, TypeVar

from components.secrets import SecretError
from tracking.config import ServerConfig
from tracking.errors import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

T = TypeVar("T")

URI = "MLFLOW_TRACKING_URI"
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


class Connection:
    """An MLflow server of a version that is known.

    Args:
        config: where it is, and by which credentials.

    Attributes:
        address: its own, without a user and a password.
        client: MLflow's own, whose methods `ask` calls.

    Raises:
        TrackingError: none is named, it is no such server, or it does not answer.
    """

    def __init__(self, config: ServerConfig) -> None:
        if config.mlflow_tracking_uri is None:
            raise TrackingError(
                f"{URI} is not set: set it to the address of an MLflow server, such as "
                "http://127.0.0.1:5000."
            )
        uri, self.address = config.mlflow_tracking_uri.get_secret_value(), config.mlflow_address
        try:
            found = config.read_credentials()
        except SecretError as error:
            raise TrackingError(f"MLflow's credentials cannot be read: {error}") from None
        # MLflow's client reads them from the environment alone.
        for name, value in zip(_CREDENTIALS, astuple(found), strict=True):
            if value:
                os.environ[name] = value
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
        """Call a method of the client.

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
