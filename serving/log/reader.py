"""Reads the log, also while a server writes it."""

from collections.abc import Iterator
from pathlib import Path

from serving.errors import ServingError
from serving.log.files import list_files
from serving.log.record import Logged, read_record
from tfrecords.errors import DataError
from tfrecords.shards import read_records, record_size


def read_log(folder: Path) -> Iterator[Logged]:
    """Read all images of a log, the oldest first.

    What the server removes meanwhile, as its oldest, is left out.

    Args:
        folder: of the log.

    Raises:
        ServingError: there is no log, or a record is another program's.
    """
    files = list_files(folder)
    if not files:
        raise ServingError(
            f"{folder} holds no requests: have a server log them, with `visionpipe serve --log "
            f"{folder}`."
        )
    for file in files:
        yield from (logged for _, logged in read_file(file))


def read_file(file: Path, start: int = 0) -> Iterator[tuple[int, Logged]]:
    """Read images of one file of a log.

    Its last record may be a part of one: its server is writing it, was killed, or had no room.

    Args:
        file: one that has gone meanwhile is empty.
        start: where its first record begins, in bytes.

    Yields:
        Where the next record begins, and what this one holds.

    Raises:
        ServingError: the file cannot be read, or a record is another program's.
    """
    try:
        for record in read_records(str(file), start):
            start += record_size(record)
            yield start, read_record(record)
    except (DataError, FileNotFoundError):
        return
    except ValueError as error:
        raise ServingError(f"{file} is no log of this server: it has {error}.") from error
    except OSError as error:
        raise ServingError(f"{file} cannot be read: {error.strerror}.") from error
