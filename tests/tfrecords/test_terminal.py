"""What every command line sets."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from urllib.request import proxy_bypass_environment

import grpc
import pytest
from rich.console import Console

from tests.conftest import REPOSITORY
from tfrecords.terminal import prepare

COMMANDS = ("components.hf_pusher rollback", "pipeline cancel")


def test_what_the_terminal_lacks_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="latin-1"))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    prepare()
    Console().print("Trainer … é")
    sys.stdout.flush()
    assert shown.getvalue() == b"Trainer ? \xe9\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_lines_are_prepared(command: str) -> None:
    """Each of these has a `…` in its help."""
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout


def test_every_command_line_is_prepared() -> None:
    entries = [
        path
        for folder in ("benchmarks", "components", "pipeline", "serving", "tfrecords")
        for path in (REPOSITORY / folder).rglob("*.py")
        if path.name == "__main__.py" or path.is_relative_to(REPOSITORY / "tfrecords")
    ]
    entries += [REPOSITORY / "local_runner.py", REPOSITORY / "kubeflow_runner.py"]
    begins = 'if __name__ == "__main__":\n'
    found = [path for path in entries if begins in path.read_text("utf-8")]
    assert len(found) == 11
    for path in found:
        _, _, block = path.read_text("utf-8").partition(begins)
        assert block.strip().startswith("prepare()"), path


@pytest.mark.parametrize("others", ["", "intranet,10.0.0.1", "*"])
def test_this_machine_is_reached_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, others: str
) -> None:
    monkeypatch.setenv("no_proxy", others)
    monkeypatch.setenv("NO_PROXY", others)
    prepare()
    for host in ("127.0.0.1:8501", "localhost:80"):
        assert proxy_bypass_environment(host)
    assert bool(proxy_bypass_environment("huggingface.co")) == (others == "*")
    assert bool(proxy_bypass_environment("10.0.0.1")) == (others != "")
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]
    once = os.environ["NO_PROXY"]
    prepare()
    assert os.environ["NO_PROXY"] == once


def test_grpc_reaches_this_machine_past_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Beam's workers and TensorFlow Serving's clients do."""
    for name in ("grpc_proxy", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_grpc_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("no_grpc_proxy")
    prepare()
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=60)
    server.stop(None)
