"""A machine on which nothing of the project is installed."""

import os
import ssl
import sys
import sysconfig
from pathlib import Path

from tests.conftest import REPOSITORY

_OF_THE_PROJECT = ("PYTHONPATH", "VIRTUAL_ENV", "CI")
_OF_PYTEST = ("PYTEST_", "HF_")

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def authorities() -> Path:
    """Those by whom this machine reaches what it installs from, which may be of its own."""
    return Path(ssl.get_default_verify_paths().cafile or AUTHORITIES)


def machine(home: Path) -> dict[str, str]:
    """The environment of a machine on which nothing of the project is installed or set."""
    home.mkdir(exist_ok=True)
    own = str(Path(sys.executable).parent)
    path = [place for place in os.environ["PATH"].split(":") if place != own]
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_PROJECT and not name.startswith(_OF_PYTEST)
    }
    return {
        **kept,
        "PATH": ":".join(path),
        "HOME": str(home),
        # What was downloaded once is not downloaded again.
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
    }


def install(checkout: Path) -> None:
    """Gives a checkout the environment that its `make setup` would install, as CI has done."""
    environment = Path(sysconfig.get_path("data"))
    for folder, places in (
        (".venv", [environment / name for name in ("bin", "lib", "pyvenv.cfg")]),
        (".tools", [REPOSITORY / ".tools" / "bin"]),
    ):
        (checkout / folder).mkdir()
        for place in places:
            (checkout / folder / place.name).symlink_to(place)
    (checkout / ".venv" / "installed").touch()
