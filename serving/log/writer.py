"""Writes the log in a thread of its own: no answer waits for it, and none fails with it."""

import queue
import threading
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from serving.errors import ServingError
from serving.gateway.traffic import is_sampled
from serving.log.files import create_file, make_room
from serving.log.record import Logged, write_record

_FILES = 8  # the log has about so many, of which the oldest makes room for a new one
_WAITING_BYTES = 64 * 2**20
_FLUSH_SECONDS = 1.0


class LogWriter:
    """Writes a sample of what is asked.

    Attributes:
        written: images in the log.
        dropped: images that are not, because the disk was slower than the clients, or full.

    Args:
        folder: of the log.
        percent: of the requests, above 0 and at most 100.
        most_bytes: of all files together.
        tell: is told in a sentence why the log ends, if it does.

    Raises:
        ServingError: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, percent: float, most_bytes: int, tell: Callable[[str], None]
    ) -> None:
        self.written = 0
        self.dropped = 0
        self._folder = folder
        self._percent = percent
        self._file_bytes = most_bytes // _FILES
        self._most_bytes = most_bytes
        self._tell = tell
        self._ended = False
        self._waiting: queue.Queue[Logged | None] = queue.Queue()
        # Each is counted by one thread alone.
        self._put_bytes = 0
        self._taken_bytes = 0
        try:
            self._open()
        except OSError as error:
            raise ServingError(
                f"Requests cannot be logged to {folder} ({error.strerror}): name another folder "
                "with --log."
            ) from error
        self._thread = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._thread.start()

    def samples(self, request_id: str) -> bool:
        """Tell whether a request is to be logged."""
        return not self._ended and is_sampled(request_id, self._percent, "log")

    def put(self, logged: Logged) -> None:
        """Has an image written, or dropped where too many wait; for one thread."""
        waiting = self._put_bytes - self._taken_bytes
        if self._ended or waiting + len(logged.image) > _WAITING_BYTES:
            self.dropped += 1
            return
        self._put_bytes += len(logged.image)
        self._waiting.put(logged)

    def close(self) -> None:
        """Write what waits, and end."""
        self._waiting.put(None)
        self._thread.join()

    def _open(self) -> None:
        make_room(self._folder, self._most_bytes - self._file_bytes)
        self._file = create_file(self._folder)
        self._writer = tf.io.TFRecordWriter(str(self._file))
        self._size = 0

    def _write_all(self) -> None:
        try:
            while (logged := self._take()) is not None:
                self._write(logged)
            self._writer.close()
        except Exception as error:  # the disk's, or TensorFlow's of an output that is no tensor
            self._ended = True
            self._tell(
                f"Requests are no longer logged: {self._file} cannot be written "
                f"({type(error).__name__}). Make room, and start the server again; it goes on "
                "answering."
            )

    def _take(self) -> Logged | None:
        """Return what comes next; meanwhile nothing is left in memory that could be on the disk."""
        try:
            return self._waiting.get(timeout=_FLUSH_SECONDS)
        except queue.Empty:
            self._writer.flush()
            return self._waiting.get()

    def _write(self, logged: Logged) -> None:
        record = write_record(logged)
        self._taken_bytes += len(logged.image)
        if self._size and self._size + len(record) > self._file_bytes:
            self._writer.close()
            self._open()
        self._writer.write(record)
        self._size += len(record)
        self.written += 1
