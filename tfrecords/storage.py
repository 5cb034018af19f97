"""Files on this machine or in a bucket, behind the few verbs the data tools need.

Paths with a scheme (`gs://bucket/folder`) go through Beam's `FileSystems`, which every runner
configures; the rest is the local disk. Beam is imported only for the former: its import takes
longer than drawing a few hundred images.

fsspec is for `stores/`, and does not take Beam's place here: without gcsfs it knows no gs://, and
with it the install would have two clients of Cloud Storage, whose logins, retries and listings
differ, while TFX and the workers of Beam read the same paths by Beam's. On the local disk it would
do no more than the standard library.
"""

from __future__ import annotations

import glob as local_glob
import os
import re
import shutil
from typing import IO, TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from apache_beam.io.filesystems import FileSystems


class Place(NamedTuple):
    """Where a file's bytes are: in a file of their own, or within a larger one.

    Attributes:
        path: of the file, local or remote.
        start: where in it the bytes begin.
        size: how many there are; -1 for all that follow.
    """

    path: str
    start: int = 0
    size: int = -1


class Files(NamedTuple):
    """What is in a folder, in those below it, or in an archive.

    Attributes:
        places: where files are, by their paths within.
        folders: paths of the folders within; a bucket has none.
    """

    places: dict[str, Place]
    folders: set[str]


def is_remote(path: str) -> bool:
    """Tell whether `path` names something outside this machine's file system."""
    return "://" in path


def join(folder: str, *parts: str) -> str:
    """Join path parts with `/`, which every supported file system reads."""
    return "/".join([folder.rstrip("/"), *parts])


def open_read(path: str) -> IO[bytes]:
    """Open a file for reading its bytes as they are; the file is seekable."""
    if is_remote(path):
        return cast("IO[bytes]", _filesystems().open(path, **_as_is()))
    return open(path, "rb")


def open_write(path: str) -> IO[bytes]:
    """Create or truncates a file; its folder must exist where folders do."""
    if is_remote(path):
        return cast("IO[bytes]", _filesystems().create(path, **_as_is()))
    return open(path, "wb")


def read_bytes(path: str, start: int = 0, size: int = -1) -> bytes:
    """Read a whole file, or so many bytes of it from `start` on."""
    with open_read(path) as file:
        if start:
            file.seek(start)
        return file.read(size)


def glob(pattern: str) -> dict[str, int]:
    """Return the files that match, sorted by path, with their sizes in bytes."""
    if is_remote(pattern):
        found = _filesystems().match([pattern])[0].metadata_list
        return dict(sorted((item.path, item.size_in_bytes) for item in found))
    # A folder that vanishes midway (another writer's staging) is no file of ours.
    paths = [path for path in sorted(local_glob.glob(pattern)) if os.path.isfile(path)]
    return {path: os.path.getsize(path) for path in paths}


def escape(folder: str) -> str:
    """Return what stands for a folder in a pattern, whatever its name holds.

    Beam has no way to quote a character, so that of a remote folder's name some stand for any.
    """
    return re.sub(r"[*?[]", "?", folder) if is_remote(folder) else local_glob.escape(folder)


def files_in(folder: str) -> dict[str, int]:
    """Return the files directly in `folder`, sorted by path, with their sizes in bytes."""
    return _match(folder, "*")


def files_under(folder: str) -> list[str]:
    """Return the paths of the files that `find_files` finds."""
    return [place.path for place in find_files(folder).places.values()]


def find_files(folder: str) -> Files:
    """Find the files in `folder` and in the folders below it, sorted by path.

    Links to folders are followed, each folder once; a link to nothing is a file that cannot be
    read. A folder that is not there holds nothing.

    Raises:
        OSError: a local folder cannot be listed.
    """
    root = join(folder, "")
    if is_remote(folder):
        # What ends in "/" stands for a folder.
        paths = (path for path in _match(folder, "**") if not path.endswith("/"))
        return Files({path[len(root) :]: Place(path) for path in paths}, set())
    found: list[str] = []
    below: set[str] = set()
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, onerror=_raise, followlinks=True):
        if (place := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(place)
        inner = join(parent, "")[len(root) :]
        below.update(f"{inner}{name}" for name in folders)
        # Neither pipes nor sockets, whose reading might not end.
        found += [
            f"{inner}{name}"
            for name in names
            if os.path.isfile(path := join(parent, name)) or not os.path.exists(path)
        ]
    return Files({path: Place(root + path) for path in sorted(found)}, below)


def _match(folder: str, pattern: str) -> dict[str, int]:
    found = glob(join(escape(folder), pattern))
    return {path: size for path, size in found.items() if path.startswith(join(folder, ""))}


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def exists(path: str) -> bool:
    """Tell whether a file or folder is there."""
    return _filesystems().exists(path) if is_remote(path) else os.path.exists(path)


def make_folder(path: str) -> None:
    """Make a folder and its parents; one that exists is left alone."""
    if is_remote(path):
        # Object stores have no folders and Beam refuses to make one twice.
        if not _filesystems().exists(path):
            _filesystems().mkdirs(path)
    else:
        os.makedirs(path, exist_ok=True)


def move(source: str, target: str) -> None:
    """Move a file within one file system; on the local disk this is atomic."""
    if is_remote(source):
        if _filesystems().exists(target):
            _filesystems().delete([target])
        _filesystems().rename([source], [target])
    else:
        os.replace(source, target)


def delete(path: str) -> None:
    """Delete a file, which must exist."""
    if is_remote(path):
        _filesystems().delete([path])
    else:
        os.remove(path)


def delete_folder(path: str) -> None:
    """Delete a folder with what it holds; one that is not there is no error."""
    if is_remote(path):
        if _filesystems().exists(path) or _filesystems().match([join(path, "*")])[0].metadata_list:
            _filesystems().delete([path.rstrip("/") + "/"])
    else:
        shutil.rmtree(path, ignore_errors=True)


def _filesystems() -> type[FileSystems]:
    from apache_beam.io.filesystems import FileSystems

    return FileSystems


def _as_is() -> dict[str, str]:
    """Options that keep Beam from unpacking a file because of what its name ends in."""
    from apache_beam.io.filesystem import CompressionTypes

    return {"compression_type": CompressionTypes.UNCOMPRESSED}
