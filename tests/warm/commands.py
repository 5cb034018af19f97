"""The commands that stand for `python` and `tfx`, and the server behind them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
_COMMANDS = ("python", "tfx")
_folder: Path | None = None


def commands() -> Path:
    """The folder that is to come before all others in the PATH of programs that are to be warm."""
    assert _folder is not None
    return _folder / "bin"


def python() -> str:
    """The command that stands for this interpreter."""
    return str(commands() / "python")


@contextmanager
def served() -> Iterator[None]:
    """Makes the commands, and starts the server; ends it at the end."""
    global _folder
    with tempfile.TemporaryDirectory(prefix="warm-") as name:
        _folder = Path(name)
        (_folder / "environment").symlink_to(Path(sys.executable).parent)
        (_folder / "bin").mkdir()
        for command in _COMMANDS:
            path = _folder / "bin" / command
            path.write_text(f"#!{sys.executable} -IS\n{(_HERE / 'client.py').read_text()}")
            path.chmod(0o755)
        # The project's own command, of the folder in which it is typed.
        path = _folder / "bin" / "visionpipe"
        path.write_text('#!/bin/sh\nexec "$(dirname "$0")/python" -m pipeline "$@"\n')
        path.chmod(0o755)
        # The preloaded modules must be the installed ones.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        with (
            (_folder / "server.log").open("wb") as log,
            subprocess.Popen(
                [sys.executable, "-P", _HERE / "server.py", _folder],
                stdin=subprocess.PIPE,  # it ends with it
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            ) as server,
        ):
            while server.poll() is None and not (_folder / "isolated").exists():
                time.sleep(0.05)  # the last thing that it makes before it listens
            yield
