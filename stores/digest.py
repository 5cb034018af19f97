"""Digests of what is copied: lakeFS and S3 know objects by MD5, versions by SHA-256."""

import hashlib
from pathlib import Path
from typing import BinaryIO

_BLOCK = 8 << 20  # bytes that are read at a time


class Digest:
    """Of bytes as they come: `size`, `sha256` and `md5`."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    def update(self, block: bytes) -> None:
        """Go on with more bytes."""
        self.size += len(block)
        self._sha256.update(block)
        self._md5.update(block)

    def update_from(self, file: BinaryIO) -> None:
        """Go on with what is left of a file."""
        while block := file.read(_BLOCK):
            self.update(block)

    @property
    def sha256(self) -> str:
        """In hex."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """In hex."""
        return self._md5.hexdigest()


def digest_file(path: Path) -> Digest:
    """Digests a file."""
    found = Digest()
    with path.open("rb") as file:
        found.update_from(file)
    return found
