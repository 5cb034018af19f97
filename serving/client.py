"""Asks a server of TensorFlow Serving's REST protocol for predictions."""

import base64
from collections.abc import Callable, Sequence
from typing import Any, Protocol
from urllib.parse import quote

import httpx2
import tenacity

from serving.errors import KINDS, TRIES, Kind, ServingError, explain, kind_of
from serving.predictions import ImageRefused, Prediction, read_predictions

LABEL = "stable"
URL = "http://127.0.0.1:8501"
LONGEST_WAIT = 10.0  # seconds; a server that asks for more is not waited for

_BACKOFF = tenacity.wait_exponential_jitter(initial=0.2, max=2, jitter=0.2)


class Predictor(Protocol):
    """Asks a model over one transport."""

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Return encoded images (JPEG or PNG) to predictions, in their order."""


class RestClient:
    """Asks over REST; threads may share one.

    Args:
        url: the server's, such as http://127.0.0.1:8501.
        model: name of the model.
        label: which of its versions, by label; "" for the newest that is loaded, which is also
            what a server without labels, such as KServe, has.
        timeout: seconds for one answer.
        retry: whether to ask again where that makes sense.
        token: what the server wants, if it wants one.
    """

    def __init__(
        self,
        url: str,
        model: str,
        label: str = LABEL,
        timeout: float = 30.0,
        retry: bool = True,
        token: str | None = None,
    ) -> None:
        self._retry = retry
        self._url = url.rstrip("/")
        self._target = describe(model, label)
        self._model_path = f"/v1/models/{quote(model, safe='')}"
        labelled = f"/labels/{quote(label, safe='')}" if label else ""
        self._predict_path = f"{self._model_path}{labelled}:predict"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.Client(timeout=timeout, headers=headers)

    def predict(self, images: Sequence[bytes]) -> list[Prediction]:
        """Return encoded images (JPEG or PNG) to predictions, in their order.

        Raises:
            ServingError: there is no answer, also not after the tries that make sense.
        """
        if not images:
            return []
        answer = retrying(self._retry)(
            self._ask, "POST", self._predict_path, {"instances": write_instances(images)}
        )
        try:
            return read_predictions(answer.get("predictions"))
        except ImageRefused as error:
            raise explain(Kind.REFUSED, self._url, self._target, str(error)) from error
        except ValueError as error:
            raise explain(Kind.BROKEN, self._url, self._target, str(error)) from error

    def versions(self) -> dict[int, str]:
        """Return the versions that the server knows of the model, with states such as AVAILABLE.

        Raises:
            ServingError: there is no answer; MISSING when it knows none.
        """
        answer = self._ask("GET", self._model_path)
        return {
            int(version["version"]): version["state"]
            for version in answer.get("model_version_status", [])
        }

    def version_of(self, label: str) -> int | None:
        """Return the version that the server has under a label; None when it has none.

        Raises:
            ServingError: there is no answer.
        """
        try:
            answer = self._ask("GET", f"{self._model_path}/labels/{quote(label, safe='')}/metadata")
        except ServingError as error:
            if error.kind is Kind.MISSING:
                return None
            raise
        return int(answer["model_spec"]["version"])

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            response = self._http.request(method, self._url + path, json=body)
        except httpx2.TimeoutException as error:
            connecting = isinstance(error, httpx2.ConnectTimeout)
            kind = Kind.UNREACHABLE if connecting else Kind.TIMEOUT
            raise explain(kind, self._url, self._target, type(error).__name__) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise explain(Kind.UNREACHABLE, self._url, self._target, str(error)) from error
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if response.is_success and isinstance(answer, dict):
            return answer
        said = answer.get("error") if isinstance(answer, dict) else None
        raise explain(
            kind_of(str(said)) or KINDS.get(response.status_code, Kind.BROKEN),
            self._url,
            self._target,
            str(said or f"HTTP status {response.status_code}"),
            _seconds(response.headers.get("Retry-After")),
        )


def write_instances(images: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return encoded images as a request has them in JSON."""
    return [{"image_bytes": {"b64": base64.b64encode(image).decode()}} for image in images]


def describe(model: str, label: str) -> str:
    """Return what is asked, in words."""
    which = f'the version "{label}"' if label else "the newest version"
    return f"{which} of model {model}"


def retrying(retry: bool) -> Callable[..., Any]:
    """Call again what `TRIES` allows, if at all: after Retry-After, or else longer each time."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(ServingError),
        wait=_wait,
        stop=_enough if retry else tenacity.stop_after_attempt(1),
        reraise=True,
    )


def _error(state: tenacity.RetryCallState) -> ServingError:
    assert state.outcome is not None
    error = state.outcome.exception()
    assert isinstance(error, ServingError)
    return error


def _wait(state: tenacity.RetryCallState) -> float:
    asked = _error(state).wait
    return _BACKOFF(state) if asked is None else asked


def _enough(state: tenacity.RetryCallState) -> bool:
    error = _error(state)
    too_long = error.wait is not None and error.wait > LONGEST_WAIT
    return too_long or state.attempt_number >= TRIES.get(error.kind, 1)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; None for its other form, a date, which such servers do not send."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None
