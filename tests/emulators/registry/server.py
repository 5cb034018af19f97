"""The process of docker-registry, the storage behind the emulator."""

import json
import secrets
import shutil
from pathlib import Path

from ..googleapis import ServerMissing, ServerProcess


class RegistryServer(ServerProcess):
    """A docker-registry that keeps its images in a folder and asks nobody who he is.

    Args:
        folder: Where images, settings and log are written.

    Raises:
        ServerMissing: When it is not installed.
        RuntimeError: When it ends at once.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which("docker-registry")
        if program is None:
            raise ServerMissing("docker-registry is not installed (Debian's package of this name)")
        folder.mkdir(parents=True, exist_ok=True)
        settings = {
            "version": 0.1,
            "log": {"accesslog": {"disabled": True}, "level": "warn"},
            "storage": {
                "filesystem": {"rootdirectory": str(folder / "images")},
                "delete": {"enabled": True},
            },
            # With relative addresses an answer leads back to whoever was asked.
            "http": {"addr": "127.0.0.1:0", "relativeurls": True, "secret": secrets.token_hex(16)},
        }
        path = folder / "config.yml"
        path.write_text(json.dumps(settings))  # JSON is YAML
        super().__init__([program, "serve", str(path)], folder / "docker-registry.log")
