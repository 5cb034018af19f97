"""The files of a log: names that sort by time, readable by their owner alone."""

import contextlib
import os
import time
from pathlib import Path

_PATTERN = "requests-*.tfrecord"


def list_files(folder: Path) -> list[Path]:
    """Return the files of a log, the oldest first."""
    return sorted(folder.glob(_PATTERN))


def create_file(folder: Path) -> Path:
    """Create the next file, of mode 600, in a folder of mode 700.

    Raises:
        OSError: it cannot be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        seconds, nanoseconds = divmod(time.time_ns(), 10**9)
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
        file = folder / f"requests-{moment}-{nanoseconds:09}.tfrecord"
        try:
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            continue
        return file


def make_room(folder: Path, most_bytes: int) -> None:
    """Remove the oldest files until those that stay have at most so many bytes."""
    taken = 0
    for file in reversed(list_files(folder)):
        with contextlib.suppress(FileNotFoundError):  # another server made room as well
            taken += file.stat().st_size
            if taken > most_bytes:
                file.unlink()
