"""MLflow on PostgreSQL behind PgPool, once for all of pytest's processes.

Whoever needs them holds a named pipe open. The servers run in a process that reads it, and end when
the last holder has let go, or was killed.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock

from .mlflow_server import MLflow
from .pgpool import PgPool
from .postgres import PostgreSQL
from .process import START_SECONDS

PASSWORD = "password-of-tests"
_LOCK, _HOLD, _ADDRESSES, _FAULT = "lock", "hold", "addresses.json", "fault.txt"


@dataclass(frozen=True)
class Addresses:
    """Where the servers are.

    Attributes:
        mlflow: MLflow's.
        pgpool: PgPool's, with the password.
        postgres: PostgreSQL's, likewise.
    """

    mlflow: str
    pgpool: str
    postgres: str


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[Addresses]:
    """Starts the servers unless another process holds them.

    Args:
        folder: What processes share.

    Raises:
        RuntimeError: They do not start.
    """
    folder.mkdir(exist_ok=True)
    with filelock.FileLock(folder / _LOCK):
        held = _open(folder)
        if held is None:
            held = _start(folder)
    try:
        yield Addresses(**json.loads((folder / _ADDRESSES).read_text()))
    finally:
        os.close(held)


def _open(folder: Path) -> int | None:
    """Opens the pipe; None where nobody reads it."""
    try:
        return os.open(folder / _HOLD, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def _start(folder: Path) -> int:
    for name in (_HOLD, _ADDRESSES, _FAULT):
        (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / _HOLD)
    command = [sys.executable, "-m", "tests.services.held", str(folder)]
    starting = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 3 * START_SECONDS
    held = None
    while starting.poll() is None and time.monotonic() < deadline:
        held = held or _open(folder)
        if held and (folder / _ADDRESSES).exists():
            return held
        time.sleep(0.1)
    if held:
        os.close(held)
    fault = folder / _FAULT
    raise RuntimeError(fault.read_text() if fault.exists() else "the servers do not start")


def serve(folder: Path) -> None:
    """Serves until nobody holds the pipe any more."""
    reading = os.open(folder / _HOLD, os.O_RDONLY)  # waits for the first holder
    # PostgreSQL does not run as root, and others may not enter pytest's own folders.
    with tempfile.TemporaryDirectory(prefix="services-") as name, contextlib.ExitStack() as stack:
        state = Path(name)
        state.chmod(0o711)
        postgres = stack.enter_context(PostgreSQL(state / "postgres", PASSWORD))
        pgpool = stack.enter_context(PgPool(state / "pgpool", PASSWORD, postgres.port))
        mlflow = stack.enter_context(MLflow(state / "mlflow", pgpool.url))
        addresses = Addresses(mlflow.endpoint, pgpool.url, postgres.url)
        incoming = folder / f"{_ADDRESSES}.incoming"
        incoming.write_text(json.dumps(asdict(addresses)))
        incoming.rename(folder / _ADDRESSES)
        while not _let_go(folder, reading):
            pass


def _let_go(folder: Path, reading: int) -> bool:
    """Waits until nobody holds the pipe; tells whether it stayed so, and the pipe is gone."""
    os.read(reading, 1)  # which ends with the last holder
    with filelock.FileLock(folder / _LOCK):
        if _is_held(reading):
            return False
        (folder / _HOLD).unlink()
        return True


def _is_held(reading: int) -> bool:
    os.set_blocking(reading, False)
    try:
        os.read(reading, 1)
    except BlockingIOError:  # nothing comes, though somebody could write
        return True
    finally:
        os.set_blocking(reading, True)
    return False


if __name__ == "__main__":
    try:
        serve(Path(sys.argv[1]))
    except Exception as error:
        (Path(sys.argv[1]) / _FAULT).write_text(str(error))
        sys.exit(1)
