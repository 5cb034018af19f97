"""The process of a server that an emulator stands before."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

START_SECONDS = 30


class ServerMissing(Exception):
    """There is no such server on this machine; the message says what to install."""


class ServerProcess:
    """A server that takes a free port of 127.0.0.1.

    Args:
        command: The program and its arguments.
        log: The file that gets its output.

    Raises:
        RuntimeError: When it ends at once.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        with log.open("wb") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        self.address = ("127.0.0.1", self._find_port(log))

    def _find_port(self, log: Path) -> int:
        # It takes a free port but does not say which.
        process = psutil.Process(self._process.pid)
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            for connection in process.net_connections("tcp4"):
                if connection.status == psutil.CONN_LISTEN:
                    return connection.laddr.port
            time.sleep(0.01)
        self.close()
        raise RuntimeError(f"{self._process.args[0]} does not listen: {log.read_text()}")

    def close(self) -> None:
        """Ends the process; what it held in memory is gone."""
        self._process.kill()
        self._process.wait()
