"""Publishing a set of shards as a whole or not at all.

Shards are written to a hidden folder inside the output folder and moved into place at the end:
the old set steps aside to `.previous`, the new shards take their names, `dataset.json` comes
last, and `.previous` is deleted. Whatever stops the writer, the output folder then holds the
old set, the new one, or no `dataset.json` and the old set in `.previous`, which the next writer
puts back before it begins.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import uuid
from collections.abc import Iterator

from filelock import FileLock, Timeout

from tfrecords import storage
from tfrecords.dataset import INFO_FILE, DatasetInfo, read_info, write_info
from tfrecords.errors import DataError, storage_fault
from tfrecords.shards import shard_name

_STAGING = ".staging"
_PREVIOUS = ".previous"
_LOCK = ".lock"
_MARKER = "publishing"  # tells what an interrupted writer left from shards of another origin
_SHARD = re.compile(r"^(train|val|calibration)-\d{5}-of-\d{5}\.tfrecord$")


@dataclasses.dataclass(frozen=True)
class Staging:
    """A set in the making.

    Attributes:
        output: the folder that will hold the set.
        folder: the hidden folder to write its shards to, in any naming.
    """

    output: str
    folder: str

    def publish(self, info: DatasetInfo, shards: dict[str, list[str]]) -> None:
        """Move the shards into place, then `dataset.json`.

        Args:
            info: the description of the set.
            shards: per split, the staged shards' paths in the order of their numbers.
        """
        write_info(self.folder, info)
        previous = storage.join(self.output, _PREVIOUS)
        storage.make_folder(previous)
        with storage.open_write(storage.join(previous, _MARKER)):
            pass
        try:
            _set_aside(self.output, previous)
            for split, paths in shards.items():
                for index, path in enumerate(paths):
                    name = shard_name(split, index, len(paths))
                    storage.move(path, storage.join(self.output, name))
            storage.move(storage.join(self.folder, INFO_FILE), storage.join(self.output, INFO_FILE))
        except BaseException:
            _recover(self.output)
            raise
        storage.delete_folder(previous)


@contextlib.contextmanager
def staging(output: str) -> Iterator[Staging]:
    """Prepare to write a set to `output`; what is not published is deleted at the end.

    One writer at a time may hold a local folder. A bucket has no lock: there the last of two
    writers wins, as `dataset.json` tells.

    Raises:
        DataError: the folder cannot be written, or another writer is at work in it.
    """
    try:
        storage.make_folder(output)
        with contextlib.ExitStack() as stack:
            if not storage.is_remote(output):
                stack.enter_context(locked(output))
                # Under the lock, whatever is staged was left by a writer that was killed.
                storage.delete_folder(storage.join(output, _STAGING))
            _recover(output)
            unique = _STAGING if not storage.is_remote(output) else f"{_STAGING}-{uuid.uuid4().hex}"
            folder = storage.join(output, unique)
            stack.callback(storage.delete_folder, folder)
            storage.make_folder(folder)
            yield Staging(output=output, folder=folder)
    except DataError:
        raise
    except Exception as error:
        if (fault := storage_fault(error, output)) is None:
            raise
        raise fault from error


@contextlib.contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other writers out of an existing local folder.

    Raises:
        DataError: one is at work in it.
    """
    lock = FileLock(storage.join(folder, _LOCK))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(
            f"Another process is writing {folder}; wait for it to end or choose another folder."
        ) from None
    try:
        yield
    finally:
        lock.release()


def _recover(output: str) -> None:
    """End an interrupted publication: the old set comes back unless the new one is whole."""
    previous = storage.join(output, _PREVIOUS)
    if not storage.exists(storage.join(output, INFO_FILE)):
        if storage.exists(storage.join(previous, _MARKER)):
            _restore(previous, output)
        elif strangers := _shards_in(output):
            raise DataError(
                f"{output} holds {len(strangers)} shards but no {INFO_FILE}, so they are not this "
                "tool's to replace; move them away or choose another output folder."
            )
    storage.delete_folder(previous)


def _restore(previous: str, output: str) -> None:
    """Move the old set, if there was one, back over what the interrupted writer had moved in.

    A restoration may itself have been interrupted: a shard of the old set that is no longer in
    `previous` is in place already.
    """
    held = storage.files_in(previous)
    old_info = storage.join(previous, INFO_FILE)
    kept = _set_names(read_info(previous)) if old_info in held else set()
    for name in _shards_in(output) - kept:
        storage.delete(storage.join(output, name))
    for name in sorted(kept & _shards_in(previous)):
        storage.move(storage.join(previous, name), storage.join(output, name))
    if old_info in held:
        storage.move(old_info, storage.join(output, INFO_FILE))


def _set_aside(output: str, previous: str) -> None:
    """Move the set in `output`, if any, to `previous`; without its `dataset.json` it is no set."""
    info = storage.join(output, INFO_FILE)
    if storage.exists(info):
        storage.move(info, storage.join(previous, INFO_FILE))
    for name in sorted(_shards_in(output)):
        storage.move(storage.join(output, name), storage.join(previous, name))


def _set_names(info: DatasetInfo) -> set[str]:
    return {
        shard_name(split, index, total)
        for split, total in info.shards.items()
        for index in range(total)
    }


def _shards_in(folder: str) -> set[str]:
    names = (path.rsplit("/", 1)[-1] for path in storage.files_in(folder))
    return {name for name in names if _SHARD.match(name)}
