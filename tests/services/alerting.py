"""Prometheus and Alertmanager, as Debian packages them, with the settings of monitoring/."""

import shutil
from pathlib import Path

import httpx2

from tests.emulators.googleapis import ServerMissing
from tests.ports import free_port

from .process import Service

SETTINGS = Path(__file__).parents[2] / "monitoring"
SLACK_URL = "slack_url"
# As monitoring/ has them.
PROMETHEUS_PORT, ALERTMANAGER_PORT = 9090, 9093


def find_programs() -> dict[str, str]:
    """The binaries, by name.

    Raises:
        ServerMissing: One is not installed.
    """
    found = {}
    for name in ("prometheus", "prometheus-alertmanager"):
        path = shutil.which(name)
        if path is None:
            raise ServerMissing(f"{name} is not installed; Debian's package has that name")
        found[name] = path
    return found


class Alertmanager(Service):
    """Alertmanager on 127.0.0.1.

    Args:
        folder: For its settings, data and log.
        port: 0 takes a free one.
        settings: Folder of alertmanager.yml, and of the file slack_url, if there is one.

    Raises:
        ServerMissing: It is not installed.
        ServiceError: It does not start.
    """

    def __init__(self, folder: Path, port: int = 0, settings: Path = SETTINGS) -> None:
        program = find_programs()["prometheus-alertmanager"]
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / SLACK_URL  # which is looked for in the working directory
        link.unlink(missing_ok=True)
        link.symlink_to(settings.resolve() / SLACK_URL)
        self.url = f"http://127.0.0.1:{port or free_port()}"
        command = [
            program,
            f"--config.file={settings.resolve() / 'alertmanager.yml'}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        super().__init__("Alertmanager", command, folder, lambda: _is_ready(self.url))


class Prometheus(Service):
    """Prometheus on 127.0.0.1.

    Args:
        folder: For its data and log.
        port: 0 takes a free one.
        settings: Folder of prometheus.yml and of the rules.

    Raises:
        ServerMissing: It is not installed.
        ServiceError: It does not start.
    """

    def __init__(self, folder: Path, port: int = 0, settings: Path = SETTINGS) -> None:
        program = find_programs()["prometheus"]
        folder.mkdir(parents=True, exist_ok=True)
        self.url = f"http://127.0.0.1:{port or free_port()}"
        command = [
            program,
            f"--config.file={settings.resolve() / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        super().__init__("Prometheus", command, folder, lambda: _is_ready(self.url))


def _is_ready(url: str) -> bool:
    return httpx2.get(f"{url}/-/ready").status_code == 200
