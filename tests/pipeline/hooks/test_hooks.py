"""`visionpipe hooks`, over HTTP, as lakeFS would use it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main
from pipeline.runs.relocation import lock_of
from tests.conftest import REPOSITORY
from tests.pipeline.hooks.test_messages import lakefs

SECRET = "s3cr3t-of-the-hooks"
# Nothing listens there: a training ends before it begins, and says for which commit.
NOBODY = "http://127.0.0.1:9"


class Hooks:
    """A process that receives webhooks."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "output" / "hooks"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "hooks", "--port", "0"],
            cwd=folder,
            env=os.environ
            | {
                "PYTHONPATH": str(REPOSITORY),
                "HOOKS_SECRET": SECRET,
                "DATA_VERSION": "lakefs://pets/main/data",
                "LAKEFS_ENDPOINT": NOBODY,
                "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": "key",
                "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "secret",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        found = re.search(r"http://[\d.:]+", self.process.stderr.readline())
        assert found
        self.url = found[0]

    def send(self, path: str, body: bytes | None, token: str = SECRET) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def announce(self, commit: str) -> tuple[int, Any]:
        now = datetime.now(UTC).isoformat()
        return self.send("/lakefs", lakefs(commit_id=commit, event_time=now))

    def states(self) -> list[str]:
        _, told = self.send("/", None)
        return [entry["state"] for entry in told["work"]]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def hooks(tmp_path: Path) -> Iterator[Hooks]:
    running = Hooks(tmp_path)
    yield running
    running.process.kill()
    running.process.wait()


def test_a_burst_is_answered_at_once_and_worked_off_in_order(hooks: Hooks) -> None:
    root = hooks.state.parent / "scenes" / "pipeline"
    root.mkdir(parents=True)
    commits = [letter * 64 for letter in "cab"]
    with lock_of(root):  # somebody trains, and work waits
        answers = [hooks.announce(commit) for commit in commits for _ in range(10)]
        time.sleep(1.5)
        assert hooks.states() == 3 * ["waiting"]
    assert [status for status, _ in answers] == 3 * ([202] + 9 * [200])
    while set(hooks.states()) & {"waiting", "running"}:
        time.sleep(0.2)
    assert hooks.states() == 3 * ["failed"]  # nobody has the data
    for number, commit in enumerate(commits, 1):
        log = (hooks.state / "logs" / f"{number}.log").read_text()
        assert f"lakefs://pets/{commit}/data" in log or NOBODY in log
        assert "Traceback" not in log
    assert hooks.stop() == 0
    kept = b"".join(path.read_bytes() for path in hooks.state.rglob("*") if path.is_file())
    assert SECRET.encode() not in kept


def test_who_does_not_know_the_secret_is_refused(hooks: Hooks) -> None:
    assert hooks.send("/lakefs", lakefs(), token="guess")[0] == 401
    assert hooks.send("/mlflow", b"{}")[0] == 401
    assert hooks.send("/", None, token="")[0] == 401
    assert hooks.send("/elsewhere", b"{}")[0] == 404
    status, told = hooks.send("/lakefs", lakefs())
    assert (status, "old one" in told["error"]) == (400, True)
    status, _ = hooks.send("/s3", b"{}")
    assert status == 200  # the data that are watched are not in S3
    assert hooks.states() == []
    # A message that is too large is refused by what it says, before it is read.
    host, _, port = hooks.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"POST /lakefs HTTP/1.1\r\nHost: here\r\nContent-Length: 9999999\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.0 413")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HOOKS_SECRET": ""}, "HOOKS_SECRET"),
        ({"DATA_VERSION": f"lakefs://pets/{'a' * 64}/data"}, "cannot change"),
        ({"DATA_VERSION": "ftp://pets"}, "lakefs://REPOSITORY/REF/PATH"),
    ],
)
def test_what_cannot_begin_says_why(
    settings: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in ({"HOOKS_SECRET": SECRET} | settings).items():
        monkeypatch.setenv(name, value)
    assert main(["hooks", "--port", "0"]) == 2
    assert said in capsys.readouterr().err


def test_a_port_in_use_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKS_SECRET", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["hooks", "--port", str(port)]) == 2
    assert f"127.0.0.1:{port} cannot be listened on" in capsys.readouterr().err
