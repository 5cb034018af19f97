"""Files of the emulator's state: written whole or not at all, blobs found by their hash."""

import fcntl
import hashlib
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any, BinaryIO

from ..http_service import BLOCK
from .errors import HubError


def git_blob_id(content: bytes) -> str:
    """The id git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def lfs_pointer(sha256: str, size: int) -> bytes:
    """The small file that stands in git for an LFS object."""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n"
    ).encode()


class FolderInUse(Exception):
    """Another emulator has the folder."""


class Storage:
    """Blobs and JSON files in a folder that a killed process leaves readable.

    Every file gets its content under a temporary name and is then renamed, which the
    file system does in one step.

    Args:
        folder: Where the files lie; what a killed process left half-written is removed.

    Raises:
        FolderInUse: When another emulator, of this process or another, has the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = folder / "blobs"
        self.incoming = folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            # Held until `close` or the end of the process, however it ends.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise FolderInUse(f"Another Hub emulator is using {folder}") from None
        shutil.rmtree(self.incoming, ignore_errors=True)
        self.blobs.mkdir(exist_ok=True)
        self.incoming.mkdir()

    def close(self) -> None:
        """Lets others have the folder."""
        self._lock.close()

    def temporary(self) -> Path:
        """A new path on the same file system, for a file that is renamed when complete."""
        return self.incoming / uuid.uuid4().hex

    def write_json(self, path: Path, value: Any) -> None:
        """Writes a JSON file in one step."""
        temporary = self.temporary()
        temporary.write_text(json.dumps(value, indent=1, sort_keys=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, path)

    def blob(self, oid: str) -> Path:
        """Where the blob lies: by git's SHA-1 for regular files, by SHA-256 for LFS objects."""
        return self.blobs / oid[:2] / oid

    def add_regular(self, content: bytes) -> str:
        """Keeps a regular file and returns its git id."""
        oid = git_blob_id(content)
        temporary = self.temporary()
        temporary.write_bytes(content)
        self._keep(temporary, oid)
        return oid

    def add_lfs(self, source: BinaryIO, oid: str, size: int) -> None:
        """Keeps an LFS object if it is what its name and size announce.

        Raises:
            HubError: 400 when the bytes do not have this SHA-256 or this size.
        """
        temporary = self.temporary()
        digest, received = hashlib.sha256(), 0
        with temporary.open("wb") as target:
            while block := source.read(BLOCK):
                digest.update(block)
                received += len(block)
                target.write(block)
        if (digest.hexdigest(), received) != (oid, size):
            temporary.unlink()
            raise HubError(
                400,
                f"The content does not match its name: announced were {size} bytes with the "
                f"SHA-256 {oid}, received were {received} bytes with {digest.hexdigest()}",
            )
        self._keep(temporary, oid)

    def _keep(self, temporary: Path, oid: str) -> None:
        blob = self.blob(oid)
        blob.parent.mkdir(exist_ok=True)
        os.replace(temporary, blob)
