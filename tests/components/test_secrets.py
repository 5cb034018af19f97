"""Secrets by reference, Secret Manager's protocol being spoken by a server of ours."""

import base64
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager import SecretManagerServiceClient

from components.secrets import SecretError, check_reference, read_secret, read_variable

STORED = {"projects/demo/secrets/hub/versions/latest": "hf_latest\n"}


class Handler(BaseHTTPRequestHandler):
    """Answers `access` as the service's REST interface does."""

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].removeprefix("/v1/").removesuffix(":access")
        if name in STORED:
            data = base64.b64encode(STORED[name].encode()).decode()
            status, answer = 200, {"name": name, "payload": {"data": data}}
        else:
            message = f"Permission denied for {name} (or it may not exist)."
            status, answer = 403, {"error": {"code": 403, "message": message}}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def client() -> Iterator[SecretManagerServiceClient]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield SecretManagerServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://127.0.0.1:{server.server_port}"),
    )
    server.shutdown()
    server.server_close()


def test_a_variable_is_read_without_the_white_space_around_it(monkeypatch) -> None:
    monkeypatch.setenv("HUB_TOKEN", " hf_value\n")
    assert read_secret("HUB_TOKEN") == "hf_value"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_variable_that_holds_nothing(monkeypatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("HUB_TOKEN", raising=False)
    else:
        monkeypatch.setenv("HUB_TOKEN", value)
    with pytest.raises(SecretError, match="Environment variable HUB_TOKEN is not set"):
        read_secret("HUB_TOKEN")


def test_a_variable_that_is_not_in_the_environment_is_read_from_the_file(
    monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUB_TOKEN", raising=False)
    Path(".env").write_text("export HUB_TOKEN='hf_$HOME${HOME}'\nOTHER=\n")
    assert read_secret("HUB_TOKEN") == "hf_$HOME${HOME}"
    assert "HUB_TOKEN" not in os.environ
    assert read_variable("OTHER") == ""
    monkeypatch.setenv("HUB_TOKEN", "of the environment")
    assert read_secret("HUB_TOKEN") == "of the environment"


def test_a_file_of_variables_that_is_no_text(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"HUB_TOKEN=\xff\xfe")
    with pytest.raises(SecretError, match=r"^\.env is no text in UTF-8: save it as such"):
        read_secret("HUB_TOKEN")


def test_the_latest_version_is_read_from_secret_manager(client) -> None:
    assert read_secret("projects/demo/secrets/hub", client) == "hf_latest"


def test_a_secret_that_may_not_be_read(client) -> None:
    with pytest.raises(SecretError, match=r"hub/versions/7 cannot be read .*secretAccessor"):
        read_secret("projects/demo/secrets/hub/versions/7", client)


@pytest.mark.parametrize("given", ["hf_aBcDeFgHiJ", "", "projects/demo/hub", "A B", "$HF_TOKEN"])
def test_what_is_no_reference_is_not_repeated(given: str) -> None:
    with pytest.raises(ValueError, match="a secret is named, not given") as caught:
        check_reference(given)
    assert not given or given not in str(caught.value)
