"""MLflow's REST API, as far as a run is recorded by it.

Not MLflow's client: to import that takes 5 s of processor time, more than a small training may
lose, and this what the process has imported anyway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from components.secrets import SecretError
from tracking import names
from tracking.config import TrackingConfig
from tracking.errors import InvalidError, RefusedError, UnreachableError

MAJOR = "3"
_TIMEOUTS = (3.05, 5)  # seconds: to connect, and between two bytes
_UPLOAD_TIMEOUTS = (3.05, 30)
_API = "/api/2.0/mlflow"
_PROXIED = "mlflow-artifacts"
_PAGE = 25_000
_VERSION = re.compile(r"(?P<major>\d{1,3})(\.\w{1,10}){1,3}")


class Server:
    """An MLflow server of a major version that is known.

    Args:
        config: where it is, and by which credentials.

    Raises:
        UnreachableError: it does not answer.
        RefusedError: it does not let the user in, is no MLflow server or one of another version,
            or the credentials cannot be read.
    """

    def __init__(self, config: TrackingConfig) -> None:
        self.address = config.mlflow_address
        self._session = requests.Session()
        try:
            self._session.auth = _auth(config)
        except SecretError as error:
            raise RefusedError(f"MLflow's credentials cannot be read: {error}") from None
        version = _VERSION.match(self._ask("GET", "/version").text)
        if version is None:
            raise RefusedError(
                f"{self.address} tells no version, so it is no MLflow server: correct "
                "MLFLOW_TRACKING_URI."
            )
        if version["major"] != MAJOR:
            raise RefusedError(
                f"{self.address} is MLflow {version[0]}, and runs are recorded in MLflow {MAJOR}: "
                "take a server of that, or set MLFLOW_TRACKING_URI to another."
            )

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, which is made where there is none.

        Raises:
            RefusedError: it is deleted.
        """
        found = self._experiment(name)
        if found is None:
            try:
                return self._call("POST", "/experiments/create", name=name)["experiment_id"]
            except InvalidError:
                found = self._experiment(name)  # another run has made it at the same moment
                if found is None:
                    raise
        if found["lifecycle_stage"] != "active":
            raise RefusedError(
                f"MLflow's experiment {name} is deleted: restore it with `mlflow experiments "
                f"restore --experiment-id {found['experiment_id']}`, or set MLFLOW_EXPERIMENT_NAME "
                "to another."
            )
        return found["experiment_id"]

    def find_runs(self, experiment: str, run_id: str) -> list[dict[str, Any]]:
        """Return the runs that a pipeline run is recorded as.

        More than one where a server was so slow to make it that it was asked again.
        """
        # As in SQL; MLflow's own parser takes either kind of quotation mark.
        mark = '"' if "'" in run_id else "'"
        found = self._call(
            "POST",
            "/runs/search",
            experiment_ids=[experiment],
            filter=f"tags.{names.RUN_ID} = {mark}{run_id}{mark}",
        )
        return found.get("runs", [])

    def delete_run(self, run: str) -> None:
        """Delete a run."""
        self._call("POST", "/runs/delete", run_id=run)

    def create_run(
        self, experiment: str, name: str, start: int, tags: Mapping[str, str]
    ) -> dict[str, Any]:
        """Make a run, which goes on; `start` is in milliseconds since 1970."""
        return self._call(
            "POST",
            "/runs/create",
            experiment_id=experiment,
            run_name=name,
            start_time=start,
            tags=_pairs(tags),
        )["run"]

    def log(
        self,
        run: str,
        metrics: Sequence[tuple[str, float, int, int]] = (),
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log a batch; the same again changes nothing.

        Args:
            run: MLflow's id.
            metrics: name, value, step and time of each.
            params: by name.
            tags: by name.
        """
        self._call(
            "POST",
            "/runs/log-batch",
            run_id=run,
            metrics=[
                {"key": name, "value": _number(value), "step": step, "timestamp": when}
                for name, value, step, when in metrics
            ],
            params=_pairs(params or {}),
            tags=_pairs(tags or {}),
        )

    def steps(self, run: str, metric: str) -> set[int]:
        """Return the steps at which a run has a metric."""
        steps: set[int] = set()
        token: str | None = ""
        while token is not None:
            page = self._call(
                "GET",
                "/metrics/get-history",
                run_id=run,
                metric_key=metric,
                max_results=_PAGE,
                **({"page_token": token} if token else {}),
            )
            steps |= {int(point.get("step", 0)) for point in page.get("metrics", [])}
            token = page.get("next_page_token") or None
        return steps

    def log_dataset(self, run: str, dataset: Mapping[str, str]) -> None:
        """Tell what a run learns from."""
        used = {"dataset": dataset, "tags": _pairs({"mlflow.data.context": "training"})}
        self._call("POST", "/runs/log-inputs", run_id=run, datasets=[used])

    def upload(self, run: Mapping[str, Any], name: str, path: Path) -> None:
        """Put a file among a run's artifacts, in the place of one that is there.

        Args:
            run: as the server described it.
            name: path among the artifacts.
            path: the file.

        Raises:
            RefusedError: MLflow's own client is needed, and is not installed.
        """
        uri = urlsplit(run["info"]["artifact_uri"])
        if uri.scheme != _PROXIED:
            _upload_past_server(uri.geturl(), name, path)
            return
        place = quote(f"{uri.path.strip('/')}/{name}")
        with path.open("rb") as file:
            self._ask(
                "PUT",
                f"/api/2.0/mlflow-artifacts/artifacts/{place}",
                timeout=_UPLOAD_TIMEOUTS,
                data=file,
            )

    def end(self, run: str, status: str, end: int) -> None:
        """End a run."""
        self._call("POST", "/runs/update", run_id=run, status=status, end_time=end)

    def page(self, run: Mapping[str, Any]) -> str:
        """Return the address of a run's page."""
        info = run["info"]
        return f"{self.address}/#/experiments/{info['experiment_id']}/runs/{info['run_id']}"

    def _experiment(self, name: str) -> dict[str, Any] | None:
        try:
            found = self._call("GET", "/experiments/get-by-name", experiment_name=name)
        except _MissingError:
            return None
        return found["experiment"]

    def _call(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        if method == "GET":
            answer = self._ask(method, _API + path, params=fields)
        else:
            answer = self._ask(method, _API + path, json=fields)
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise UnreachableError(f"{self.address} does not answer as MLflow does.")
        return told

    def _ask(
        self, method: str, path: str, timeout: tuple[float, float] = _TIMEOUTS, **given: Any
    ) -> requests.Response:
        try:
            answer = self._session.request(method, self.address + path, timeout=timeout, **given)
        except requests.Timeout:
            raise UnreachableError(f"MLflow at {self.address} does not answer in time.") from None
        except requests.RequestException as error:
            raise UnreachableError(
                f"MLflow at {self.address} cannot be reached ({type(error).__name__})."
            ) from None
        if answer.ok:
            return answer
        raise self._error(answer, path)

    def _error(self, answer: requests.Response, path: str) -> Exception:
        status = answer.status_code
        try:
            told = answer.json()
            said, code = str(told["message"])[:300], told.get("error_code")
        except (ValueError, TypeError, KeyError):
            said, code = answer.reason, None
        if status in (401, 403):
            return RefusedError(
                f"MLflow at {self.address} refuses the user ({status}): set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, "
                "to those of one who may write."
            )
        if code == "RESOURCE_DOES_NOT_EXIST":
            return _MissingError(f"MLflow at {self.address}: {said}")
        if status == 404 and code is None:
            return RefusedError(
                f"{self.address} has no {path.partition('?')[0]}, so it is no MLflow {MAJOR} "
                "server: correct MLFLOW_TRACKING_URI."
            )
        if status in (408, 429) or status >= 500:
            return UnreachableError(f"MLflow at {self.address} fails ({status} {said}).")
        return InvalidError(f"MLflow at {self.address} does not take it ({status}): {said}")


class _MissingError(InvalidError):
    """What was asked for is not there."""


def _auth(config: TrackingConfig) -> requests.auth.AuthBase:
    found = config.read_credentials()
    if found.user:
        return _Basic(found.user, found.password)
    return _Bearer(found.token) if found.token else _Nobody()


class _Basic(requests.auth.HTTPBasicAuth):
    """Users and passwords in UTF-8, which requests would take for Latin."""

    def __init__(self, user: str, password: str) -> None:
        super().__init__(user.encode(), password.encode())


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Nobody(requests.auth.AuthBase):
    """No credentials, not even those of `.netrc`, where they may be of another service."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def _upload_past_server(artifact_uri: str, name: str, path: Path) -> None:
    """Put a file where clients of the server are to put it themselves, as into a bucket."""
    try:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
    except ModuleNotFoundError as error:
        raise RefusedError(
            f"The server keeps artifacts at {artifact_uri.partition(':')[0]}:, to which clients "
            f"send them past it, and {error.name} is not installed: start the server with "
            "--artifacts-destination, or install it with `uv sync --extra tracking`."
        ) from None
    try:
        folder, _, _ = name.rpartition("/")
        get_artifact_repository(artifact_uri).log_artifact(str(path), folder or None)
    except Exception as error:  # of any of a dozen clients of stores
        raise UnreachableError(f"{artifact_uri} does not take the run's files: {error}") from error


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": name, "value": value} for name, value in values.items()]


def _number(value: float) -> float | str:
    """Figures that are no number as protobuf's JSON has them."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
