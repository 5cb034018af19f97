"""Copies a version into a folder: in parallel, checked, once, and going on where it was stopped."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

import filelock

from stores.digest import Digest, digest_file
from stores.errors import StoreError
from stores.manifest import Entry

# An object over this size, in bytes, is read in pieces, each of which is a request.
PIECE = 8 << 20
WORKERS = 16
_PARTIAL = ".partial"
_WHOLE, _PARTS = "whole", "parts"


# Reads bytes of an object as its entry has it: the entry, the first byte's place, and how many. It
# raises StoreError where the object cannot be read, or is another one by now.
Read = Callable[[Entry, int, int], bytes]
Progress = Callable[[int], None]  # is told how many bytes have come


@contextlib.contextmanager
def locked(folder: Path, name: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold what only one process at a time may do with a version.

    Args:
        folder: of all versions.
        name: of the version's folder.
        waiting: called once when another process has it.
    """
    (folder / _PARTIAL).mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / _PARTIAL / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def fetch(
    read: Read, entries: tuple[Entry, ...], folder: Path, name: str, progress: Progress
) -> tuple[Path, tuple[Entry, ...]]:
    """Copy objects into a folder of what is unfinished.

    What was copied before, and is right, is not copied again. A caller holds the lock of `name`.

    Args:
        read: reads them where they are.
        entries: what they are.
        folder: of all versions.
        name: of the unfinished copy.
        progress: told of every piece.

    Returns:
        The folder of the whole copy, and the entries with their SHA-256.

    Raises:
        StoreError: an object is not what its entry says, or there is not enough room. What was
            copied stays.
        OSError: it cannot be written, as when the disk is filled meanwhile. Likewise.
    """
    partial = folder / _PARTIAL / name
    copy = _Copy(read, partial / _WHOLE, partial / _PARTS, progress)
    copy.make_folders(entries)
    _check_room(partial, sum(entry.size for entry in entries))
    threads = ThreadPoolExecutor(WORKERS)
    try:
        futures = [threads.submit(copy.one, entry) for entry in entries]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        digests = [future.result() for future in (*done, *futures)][len(done) :]
    finally:
        copy.stopped.set()  # also by Ctrl-C: what is not begun is not waited for
        threads.shutdown(cancel_futures=True)
    _remove_others(copy.whole, {entry.path for entry in entries})
    return copy.whole, tuple(
        entry.model_copy(update={"sha256": digest})
        for entry, digest in zip(entries, digests, strict=True)
    )


def publish(whole: Path, target: Path) -> None:
    """Make a whole copy appear in its place, and remove what else was unfinished."""
    os.rename(whole, target)
    shutil.rmtree(whole.parent, ignore_errors=True)


class _Copy:
    """One copy of a version, whose objects are copied by several threads."""

    def __init__(self, read: Read, whole: Path, parts: Path, progress: Progress) -> None:
        self.read, self.whole, self.parts = read, whole, parts
        self.stopped = threading.Event()
        self._progress = progress
        self._came: set[str] = set()

    def make_folders(self, entries: tuple[Entry, ...]) -> None:
        """Make all folders, and look what came before.

        Done once, and not by the threads: where objects are small, threads that wait for the file
        system and then for each other are what takes the time.
        """
        self.parts.mkdir(parents=True, exist_ok=True)
        for parent in sorted({os.path.dirname(entry.path) for entry in entries}):
            (self.whole / parent).mkdir(parents=True, exist_ok=True)
        self._came = {
            path.relative_to(self.whole).as_posix()
            for path in self.whole.rglob("*")
            if path.is_file()
        }

    def one(self, entry: Entry) -> str:
        """Copy an object; return its SHA-256."""
        target = self.whole / entry.path
        if entry.path in self._came:
            with contextlib.suppress(StoreError):
                return _check(entry, digest_file(target))
        if entry.size <= PIECE:
            return self._read_whole(entry, target)
        part = self.parts / hashlib.sha256(entry.path.encode()).hexdigest()
        begun = part.exists()
        try:
            sha256 = self._read(entry, part)
        except _Different:
            if not begun:
                raise
            sha256 = self._read(entry, part)  # what was begun was of another object
        os.rename(part, target)
        return sha256

    def _read_whole(self, entry: Entry, target: Path) -> str:
        """Copy an object of one piece; a file that is cut off is known by its digest."""
        content = self._read_piece(entry, 0, entry.size) if entry.size else b""
        found = Digest()
        found.update(content)
        sha256 = _check(entry, found)
        target.write_bytes(content)
        return sha256

    def _read_piece(self, entry: Entry, start: int, size: int) -> bytes:
        if self.stopped.is_set():
            raise StoreError("The copy was stopped.")
        block = self.read(entry, start, size)
        self._progress(len(block))
        return block

    def _read(self, entry: Entry, part: Path) -> str:
        found = Digest()
        with part.open("a+b") as file:
            file.seek(0)
            found.update_from(file)
            while found.size < entry.size:
                wanted = min(PIECE, entry.size - found.size)
                block = self._read_piece(entry, found.size, wanted)
                file.write(block)
                found.update(block)
                if len(block) != wanted:  # the object has another size by now
                    break
        try:
            return _check(entry, found)
        except _Different:
            part.unlink()
            raise


class _Different(StoreError):
    """Bytes are not those of the version."""


def _check(entry: Entry, found: Digest) -> str:
    same = found.size == entry.size
    if entry.sha256:
        same = same and found.sha256 == entry.sha256
    elif entry.md5:
        same = same and found.md5 == entry.md5
    if not same:
        raise _Different(
            f"{entry.path} is not what it was when the version was made: it was changed in the "
            "store under the version. Restore the object, or make a version of what is there now."
        )
    return found.sha256


def _remove_others(whole: Path, paths: set[str]) -> None:
    for path in whole.rglob("*"):
        if path.is_file() and path.relative_to(whole).as_posix() not in paths:
            path.unlink()


def _check_room(partial: Path, size: int) -> None:
    """Look whether what has not come yet, of so many bytes, fits on the disk."""
    came = sum(path.stat().st_size for path in partial.rglob("*") if path.is_file())
    needed, free = size - came, shutil.disk_usage(partial).free
    if free < needed:
        raise StoreError(
            f"{needed / 1e9:.1f} GB of the version are to be copied, and the disk of "
            f"{partial.parent.parent} has {free / 1e9:.1f} GB free; free some, or work on another "
            "disk."
        )


def in_words(error: OSError, folder: Path) -> StoreError:
    """Say why a version cannot be written into a folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"The disk of {folder} is full; free some and do the same again, which goes on with "
            "what is there already."
        )
    return StoreError(f"{error.filename or folder} cannot be written: {error.strerror}.")
