"""Reads the log, also while a server writes it."""

from collections.abc import Iterator
from pathlib import Path

import tensorflow as tf

from serving.errors import ServingError
from serving.log.files import list_files
from serving.log.record import Logged, read_record

_BUFFER = 2**18  # bytes


def read_log(folder: Path) -> Iterator[Logged]:
    """Reads all images of a log, the oldest first.

    A file's last record may be a part of one: its server is writing it, was killed, or had no room.
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
        try:
            for record in tf.data.TFRecordDataset(
                str(file), buffer_size=_BUFFER
            ).as_numpy_iterator():
                yield read_record(record)
        except (tf.errors.DataLossError, tf.errors.NotFoundError):
            continue
        except ValueError as error:
            raise ServingError(f"{file} is no log of this server: it has {error}.") from error
