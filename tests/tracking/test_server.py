"""Servers that are no MLflow, or none that a run can be recorded in."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tracking.config import TrackingConfig
from tracking.errors import RefusedError, TrackingError, UnreachableError
from tracking.server import Server


@contextmanager
def answering(status: int, body: str) -> Iterator[tuple[str, list[str]]]:
    """A server that answers all alike; its address, and the credentials that it was given."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}", seen
        server.shutdown()


def connect(address: str) -> Server:
    return Server(TrackingConfig.model_validate({"mlflow_tracking_uri": address}))


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (
            200,
            "2.22.1",
            RefusedError,
            "is MLflow 2.22.1, and runs are recorded in MLflow 3",
        ),
        (200, "<!doctype html>", RefusedError, "tells no version, so it is no MLflow server: corr"),
        (401, "You are not authenticated", RefusedError, "refuses the user (401): set MLFLOW_TRA"),
        (404, "not here", RefusedError, "has no /version, so it is no MLflow 3 server: correct ML"),
        (503, "later", UnreachableError, "fails (503 Service Unavailable)."),
        (507, '{"message": "no space"}', UnreachableError, "fails (507 no space)."),
        (429, "", UnreachableError, "fails (429 Too Many Requests)."),
    ],
)
def test_what_is_said_of_them(status: int, body: str, kind: type[TrackingError], said: str) -> None:
    with answering(status, body) as (address, _), pytest.raises(kind) as raised:
        connect(f"http://user:geheim@{address}")
    assert said in str(raised.value)
    assert f"http://{address}" in str(raised.value)
    assert "geheim" not in str(raised.value)


def test_an_answer_in_another_language_than_mlflows() -> None:
    with answering(200, "3.1.0") as (address, _):
        server = connect(f"http://{address}")
        with pytest.raises(UnreachableError, match="does not answer as MLflow does"):
            server.experiment("pets")


@pytest.mark.parametrize(
    ("userinfo", "variables", "given"),
    [
        ("", {}, ""),
        ("", {"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Bearer t0ken"),
        (
            "",
            {
                "MLFLOW_TRACKING_USERNAME": "maría",
                "MLFLOW_TRACKING_PASSWORD": "a b",
                "MLFLOW_TRACKING_TOKEN": "t0ken",
            },
            "Basic bWFyw61hOmEgYg==",
        ),
        ("mar%C3%ADa:a%20b@", {"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Basic bWFyw61hOmEgYg=="),
    ],
)
def test_the_credentials_that_are_sent(
    userinfo: str, variables: dict[str, str], given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USERNAME", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with answering(200, "3.17.2") as (address, seen):
        connect(f"http://{userinfo}{address}")
    assert seen == [given]
