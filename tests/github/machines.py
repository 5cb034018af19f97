"""A machine on which nothing of the project is installed."""

import os
import ssl
import sysconfig
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.warm.commands import commands

_OF_THE_PROJECT = ("PYTHONPATH", "VIRTUAL_ENV", "CI")
_OF_PYTEST = ("PYTEST_", "HF_")

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


def authorities() -> Path:
    """Those by whom this machine reaches what it installs from, which may be of its own."""
    return Path(ssl.get_default_verify_paths().cafile or AUTHORITIES)


def machine(home: Path) -> dict[str, str]:
    """The environment of a machine on which nothing of the project is installed or set."""
    home.mkdir(exist_ok=True)
    own = sysconfig.get_path("scripts")
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
    """Gives a checkout the environment that its `make setup` would install, which CI has proved.

    Its `python` and `tfx` are those that are spared the time of their imports.
    """
    environment = Path(sysconfig.get_path("data"))
    made = checkout / ".venv"
    (made / "bin").mkdir(parents=True)
    for name in ("lib", "pyvenv.cfg"):
        (made / name).symlink_to(environment / name)
    for tool in (environment / "bin").iterdir():
        if not tool.name.startswith("activate"):  # by which make sees that it was made elsewhere
            (made / "bin" / tool.name).symlink_to(tool)
    for warm in commands().iterdir():
        (made / "bin" / warm.name).unlink(missing_ok=True)
        (made / "bin" / warm.name).symlink_to(warm)
    (checkout / ".tools").mkdir()
    (checkout / ".tools" / "bin").symlink_to(REPOSITORY / ".tools" / "bin")
    (made / "installed").touch()
