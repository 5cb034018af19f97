"""The app in a process of its own, cut off from everything beyond this machine."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.notices import notices
from tests.ports import free_port

APP = REPOSITORY / "apps/gradio/semantic_segmentation"
SHARED = REPOSITORY / "apps/gradio/shared"
HOSTILE_NAMES = ("<img src=x onerror=alert(1)>", "{{value}} ${alert(2)} `\"'", "sky & <b>sea</b>")
# Image bytes to the PNG of a mask and the classes' fractions.
Serve = Callable[[bytes], tuple[bytes, list[float]]]


@dataclass(frozen=True)
class RunningApp:
    """An app that serves.

    Attributes:
        url: where it listens.
        outside: bound as its proxy, so that whatever it asks of another host comes here.
        pid: of its process.
    """

    url: str
    outside: socket.socket
    pid: int

    def asked_outside(self) -> bool:
        try:
            self.outside.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def count_wakeups(self, seconds: float) -> int:
        """How often its threads wake up in a span of time."""

        def counted() -> int:
            states = Path(f"/proc/{self.pid}/task").glob("*/status")
            found = (
                re.search(r"^voluntary_ctxt_switches:\s+(\d+)", s.read_text(), re.M) for s in states
            )
            return sum(int(count[1]) for count in found if count)

        before = counted()
        time.sleep(seconds)
        return counted() - before


def python_with(requirements: Path, folder: Path) -> str:
    """The Python of a new environment with the requirements and nothing else."""
    uv = shutil.which("uv") or str(REPOSITORY / ".tools/bin/uv")
    python = str(folder / "bin/python")
    for command in (
        [uv, "venv", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--python", python, "-r", str(requirements)],
    ):
        subprocess.run(command, check=True, capture_output=True)
    return python


@contextlib.contextmanager
def running_app(command: list[str], folder: Path, **environment: str) -> Iterator[RunningApp]:
    """Starts an app on a free port, waits until it answers, and ends it."""
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", 0)) as outside,
        (folder / "app.txt").open("w+") as log,
    ):
        outside.setblocking(False)
        proxy = f"http://127.0.0.1:{outside.getsockname()[1]}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        machine = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        settings = {
            **machine,
            **{name: proxy for upper in names for name in (upper, upper.lower())},
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "HF_HOME": str(folder / "hub"),
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(folder / "cache"),
            **environment,
        }
        process = subprocess.Popen(command, cwd=folder, env=settings, stdout=log, stderr=log)
        try:
            _wait(process, port, folder / "app.txt")
            yield RunningApp(f"http://127.0.0.1:{port}", outside, process.pid)
        finally:
            process.terminate()
            process.wait(30)
        log.seek(0)
        said = log.read()
        assert notices(said) == [] and "share=True" not in said, said


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1200):
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError(f"The app does not answer: {log.read_text()}")
