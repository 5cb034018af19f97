"""Servers as processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.conftest import REPOSITORY


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, environment: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A server, from the moment it listens."""
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, start_new_session=True
    ) as process:
        try:
            _wait_for(port, process)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):  # a test may have ended it
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError("the server did not start")


def install_binary(folder: Path) -> None:
    """Makes the emulator TensorFlow Serving's binary, for what has the folder on its PATH."""
    folder.mkdir()
    binary = folder / "tensorflow_model_server"
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.emulators.model_server "$@"\n')
    binary.chmod(0o755)
