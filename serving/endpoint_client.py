"""Asks a Vertex AI Endpoint for predictions, by Google's own client."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import aiplatform

from components.google_cloud import CloudError, explained
from serving.client import retrying, write_instances
from serving.errors import KINDS, SENTENCES, Kind, ServingError, explain
from serving.predictions import ImageRefused, Prediction, read_predictions

Answer = TypeVar("Answer")

ROLES = "roles/aiplatform.user"
_MB = 1024 * 1024  # as the service counts
_SHARED_MB, _DEDICATED_MB = 1.5, 10.0  # of a request's body
_NAME = re.compile(r"projects/[^/]+/locations/[^/]+/endpoints/[^/]+")
_ID = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# How the client repeats what a dedicated Endpoint answers.
_FAILED = re.compile(r".*Status code: ?(\d+), response: (.*?)\.?", re.DOTALL)
_SENTENCES = {
    **SENTENCES,
    Kind.UNREACHABLE: "{url} cannot be reached ({said}); look at the network, and at the project "
    "and the region in its name.",
    Kind.TIMEOUT: "{url} did not answer in time ({said}); look at the network, send fewer or "
    "smaller images at a time, or allow more with --timeout.",
    Kind.BUSY: "{url} is busy or does not answer ({said}); ask again later, or fewer at a time, or "
    "give it more machines with ENDPOINT_MAX_REPLICAS, or the project a larger quota.",
    Kind.MISSING: "{url} serves no model ({said}); ask another one, or have the pipeline deploy "
    "one there with ENDPOINT_MACHINE_TYPE.",
}


def find_name(text: str, project: str | None, region: str) -> str:
    """Return the resource name of an Endpoint.

    Args:
        text: the name, projects/PROJECT/locations/REGION/endpoints/ID, or the id.
        project: that an id is of.
        region: likewise.

    Raises:
        ServingError: it is neither, or there is no project to an id.
    """
    if _NAME.fullmatch(text):
        return text
    if not _ID.fullmatch(text):
        raise ServingError(
            f"{text} cannot be an Endpoint: give its id, or "
            "projects/PROJECT/locations/REGION/endpoints/ID."
        )
    if not project:
        raise ServingError(
            f"The id {text} needs a project: set GOOGLE_CLOUD_PROJECT, or give "
            "projects/PROJECT/locations/REGION/endpoints/ID."
        )
    return f"projects/{project}/locations/{region}/endpoints/{text}"


class EndpointClient:
    """Asks an Endpoint, at its own host where it is a dedicated one; threads may share one.

    Which of its models answers is decided by the Endpoint's traffic.

    Args:
        name: the Endpoint's resource name.
        timeout: seconds for one answer.
        retry: whether to ask again where that makes sense.

    Raises:
        ServingError: there is no such Endpoint, nothing is deployed there, or it cannot be asked.
    """

    def __init__(self, name: str, timeout: float = 30.0, retry: bool = True) -> None:
        self._name = name
        self._timeout = timeout
        self._retry = retry
        self._endpoint = retrying(retry)(self._explained, self._find)
        self._dedicated = self._endpoint.dedicated_endpoint_enabled

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Return encoded images (JPEG or PNG) to predictions, in their order.

        Raises:
            ServingError: there is no answer, also not after the tries that make sense.
        """
        if not images:
            return []
        instances = write_instances(images)
        self._check_size(instances)
        answer = retrying(self._retry)(self._explained, self._ask, instances)
        try:
            return read_predictions(answer.predictions)
        except ImageRefused as error:
            raise self._failure(Kind.REFUSED, str(error)) from error
        except ValueError as error:
            raise self._failure(Kind.BROKEN, str(error)) from error

    def _find(self) -> aiplatform.Endpoint:
        try:
            endpoint = aiplatform.Endpoint(self._name)
        except ValueError as error:  # a region that there is not
            raise self._failure(Kind.UNREACHABLE, str(error)) from error
        if not endpoint.gca_resource.deployed_models:
            raise self._failure(Kind.MISSING, "nothing is deployed there")
        return endpoint

    def _ask(self, instances: list[dict[str, Any]]) -> aiplatform.models.Prediction:
        try:
            return self._endpoint.predict(
                instances, timeout=self._timeout, use_dedicated_endpoint=self._dedicated
            )
        except requests.Timeout as error:
            raise self._failure(Kind.TIMEOUT, type(error).__name__) from error
        except requests.RequestException as error:
            raise self._failure(Kind.UNREACHABLE, str(error)) from error
        except ValueError as error:
            raise _api_error(str(error)) from error

    def _check_size(self, instances: list[dict[str, Any]]) -> None:
        """Refuse what the service would, for the transport would have to carry it first."""
        size = len(json.dumps({"instances": instances})) / _MB
        kind, most = ("dedicated", _DEDICATED_MB) if self._dedicated else ("shared", _SHARED_MB)
        if size > most:
            raise self._failure(
                Kind.TOO_LARGE, f"it has {size:.1f} MB, and a {kind} Endpoint takes {most:g} MB"
            )

    def _explained(self, call: Callable[..., Answer], *arguments: Any) -> Answer:
        """Call, and word what goes wrong."""
        try:
            with explained(self._name, ROLES):
                return call(*arguments)
        except CloudError as error:
            cause = error.__cause__
            said = getattr(cause, "message", str(cause))
            kind = KINDS.get(getattr(cause, "code", 0), Kind.BROKEN)
            if kind is Kind.DENIED or isinstance(cause, GoogleAuthError):
                raise ServingError(str(error), Kind.DENIED) from error
            if isinstance(cause, exceptions.RetryError):  # the client has asked for minutes
                kind = Kind.TIMEOUT
            elif isinstance(cause, exceptions.FailedPrecondition):  # without traffic, for example
                kind = Kind.MISSING
            elif "payload size" in said:  # which has the status of a broken image
                kind = Kind.TOO_LARGE
            raise self._failure(kind, said) from error

    def _failure(self, kind: Kind, said: str) -> ServingError:
        return explain(kind, self._name, "its model", said, sentences=_SENTENCES)


def _api_error(said: str) -> exceptions.GoogleAPICallError:
    """Return the client's error for an answer over gRPC, or over HTTP, which it only repeats."""
    found = _FAILED.fullmatch(said)
    if found is None:
        return exceptions.GoogleAPICallError(said)
    status, body = int(found[1]), found[2]
    try:
        error = json.loads(body)["error"]
        message, code = error["message"], error.get("status")
    except (ValueError, KeyError, TypeError):  # of a proxy before the service, for example
        message, code = body, None
    if code == "FAILED_PRECONDITION":
        return exceptions.FailedPrecondition(message)
    return exceptions.from_http_status(status, message)
