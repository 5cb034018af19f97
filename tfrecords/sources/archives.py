"""Unpacks archives that anyone may have made: nothing of them becomes a file of its own."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, cast

from rich.console import Console
from rich.progress import Progress

from tfrecords import storage
from tfrecords.errors import DataError
from tfrecords.naming import show
from tfrecords.storage import Files, Place

TAR_ENDINGS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ENDINGS = (*TAR_ENDINGS, ".zip")
# Photos hardly shrink, drawn images do so a hundred times; bombs, a thousand times and more.
_LARGEST_RATIO = 200
_ALWAYS_ALLOWED = 100_000_000  # bytes unpacked, however small the archive
_LARGEST = 200_000_000_000  # bytes unpacked, however large the archive
_MOST_MEMBERS = 2_000_000
_MAGIC: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
# Of decompressors; those of bz2 and gzip are OSErrors without a number.
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_CURE = "unpack it yourself if you trust it, and pass the folder"


@contextlib.contextmanager
def unpack(path: str) -> Iterator[Files]:
    """Unpacks an archive to one temporary file, which is deleted in the end.

    To make and delete a file for each of the archive's would take longer than to decode a small
    image.

    Args:
        path: local or remote file whose name ends in one of ENDINGS.

    Yields:
        Where each of the archive's files is, by its path within.

    Raises:
        DataError: the archive cannot be read, or holds a path that leaves it, a link, a device, or
            more than an archive of its size can hold of images.
    """
    with tempfile.NamedTemporaryFile(prefix="unpacked-") as target:
        try:
            found = _unpack_to(target, path)
            target.flush()
        except DataError:
            raise
        except (*_DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise DataError(
                    f"{path} cannot be unpacked to {target.name}: {error.strerror}; correct the "
                    "archive or its permissions, or set TMPDIR to a folder with room for it."
                ) from error
            raise DataError(
                f"{path} is damaged or no such archive ({error}); fetch or pack it again."
            ) from error
        except (RuntimeError, ValueError) as error:
            # Passwords and unknown compression of ZIP.
            raise DataError(f"{path} cannot be unpacked: {error}; pack it again.") from error
        yield found


def _unpack_to(target: IO[bytes], path: str) -> Files:
    found = Files({}, set())
    with (
        storage.open_read(path) as packed,
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        size = packed.seek(0, os.SEEK_END)
        packed.seek(0)
        limit = min(_LARGEST, max(_ALWAYS_ALLOWED, _LARGEST_RATIO * size))
        task = bar.add_task("Unpacking", total=size)
        file = bar.wrap_file(cast("BinaryIO", packed), task_id=task)
        members = _unpack_zip if path.lower().endswith(".zip") else _unpack_tar
        for number, (name, content) in enumerate(members(file, path, limit)):
            if number >= _MOST_MEMBERS:
                raise DataError(
                    f"{path} holds more than {_MOST_MEMBERS:,} members, which no data set of "
                    f"images has; {_CURE}."
                )
            within = _within(name, path)
            folder = within if content is None else within.rpartition("/")[0]
            while folder and folder not in found.folders:
                found.folders.add(folder)
                folder = folder.rpartition("/")[0]
            if content is not None:
                start = target.tell()
                shutil.copyfileobj(content, target)
                found.places[within] = Place(target.name, start, target.tell() - start)
    return found


def _unpack_tar(packed: IO[bytes], path: str, limit: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Name and contents of a tar's members, one after the other; a folder has no content."""
    start = packed.read(6)
    packed.seek(0)
    opened = next((op for magic, op in _MAGIC.items() if start.startswith(magic)), None)
    plain = _Limited(opened(packed) if opened else packed, path, limit)
    with tarfile.open(fileobj=plain, mode="r|") as tar:
        for member in tar:
            if member.issparse() or not (member.isreg() or member.isdir()):
                raise DataError(
                    f"{path} holds {show(member.name)}, a link or device; expected files and "
                    f"folders alone: {_CURE}."
                )
            yield member.name, None if member.isdir() else tar.extractfile(member)


def _unpack_zip(packed: IO[bytes], path: str, limit: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Do for a ZIP file what `_unpack_tar` does."""
    with zipfile.ZipFile(packed) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > limit:
            raise _bomb(path, limit)
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise DataError(
                    f"{path} holds {show(member.filename)}, a link or device; expected files and "
                    f"folders alone: {_CURE}."
                )
            if member.is_dir():
                yield member.filename, None
            else:
                with archive.open(member) as content:
                    yield member.filename, content


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than a number of bytes: headers and padding count, too."""

    def __init__(self, stream: IO[bytes], path: str, limit: int):
        super().__init__()
        self._stream, self._path, self._limit = stream, path, limit
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self._given += len(content)
        if self._given > self._limit:
            raise _bomb(self._path, self._limit)
        return content


def _bomb(path: str, limit: int) -> DataError:
    return DataError(
        f"{path} unpacks to more than {limit / 1e6:,.0f} MB, which no archive of images of its "
        f"size does; {_CURE}."
    )


def _within(name: str, path: str) -> str:
    """Return the path of a member within its archive.

    Raises:
        DataError: it leads out of the archive.
    """
    whole = name.replace("\\", "/")  # which some programs put into a ZIP file
    parts = [part for part in whole.split("/") if part not in ("", ".")]
    if whole.startswith("/") or ".." in parts:
        raise DataError(
            f"{path} holds {show(name)}, a path that leads out of the archive; {_CURE}."
        )
    return "/".join(parts)
