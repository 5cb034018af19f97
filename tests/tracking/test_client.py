"""Connecting to MLflow: what is said of a server that cannot be used, and what is never shown."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.__main__ import main
from tracking.client import Connection
from tracking.config import ServerConfig
from tracking.errors import TrackingError

PASSWORD = "pass-of-tests"
Served = Callable[[dict[str, tuple[int, str]]], str]


@pytest.fixture
def served() -> Iterator[Served]:
    """Answers paths with a status and a text, all others with 401; gives the address."""
    servers = []

    def serve(answers: dict[str, tuple[int, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, text = answers.get(self.path.partition("?")[0], (401, "no"))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_GET

            def log_message(self, *arguments: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ((200, "2.22.0"), "is of version 2.22.0, and this project speaks with 3.x"),
        ((200, "<html>hello"), "is no MLflow server; correct MLFLOW_TRACKING_URI."),
        ((404, "3.1.0"), "is no MLflow server"),
        ((401, ""), "it does not know this user: correct the user and password"),
        ((403, ""), "this user may not do that"),
        ((200, "3.17.2"), "refuses to find run r: it does not know this user"),
    ],
)
@pytest.mark.parametrize("verb", ["register", "infer"])
def test_a_server_that_cannot_be_used(
    served: Served,
    version: tuple[int, str],
    said: str,
    verb: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = served({"/version": version})
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:{PASSWORD}@{place}")
    assert main([verb, "--run", "r"]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert f" at http://{place} " in printed.err
    assert said in printed.err
    assert PASSWORD not in printed.err


def test_nobody_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:{PASSWORD}@127.0.0.1:1")
    assert main(["register"]) == 2
    assert capsys.readouterr().err == (
        "MLflow at http://127.0.0.1:1 cannot be reached; look whether it runs, or correct "
        "MLFLOW_TRACKING_URI.\n"
    )


def test_a_server_that_goes_away(served: Served) -> None:
    place = served({"/version": (200, "3.0.0"), "/api/2.0/mlflow/runs/get": (500, "busy")})
    config = {"mlflow_tracking_uri": f"http://user:{PASSWORD}@{place}"}
    server = Connection(ServerConfig.model_validate(config))
    with pytest.raises(TrackingError, match="does not read it: it cannot be reached, or fails"):
        server.ask("read it", server.client.get_run, "r")


def test_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["infer"]) == 2
    assert capsys.readouterr().err.startswith("MLFLOW_TRACKING_URI is not set: set it to the")
