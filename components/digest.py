"""Content digests: what a version is named and recognised by."""

import hashlib
import os
from pathlib import Path

from tfx.dsl.io import fileio


def digest(folder: str) -> str:
    """SHA-256, in hex, over the names and bytes of all files of a folder."""
    total = hashlib.sha256()
    paths = (
        os.path.join(parent, name) for parent, _, names in fileio.walk(folder) for name in names
    )
    for path in sorted(paths):
        with fileio.open(path, "rb") as file:
            content = hashlib.sha256(file.read()).hexdigest()
        total.update(f"{os.path.relpath(path, folder)}\0{content}\n".encode())
    return total.hexdigest()


def source_digest(*folders: Path) -> str:
    """SHA-256, in hex, over the sources in some folders.

    TFX's cache key holds the names of what a component calls, not its text: with this among its
    execution properties, changed code is not answered with what the old code made.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.parent.name != "__pycache__":
                total.update(path.relative_to(folder).as_posix().encode())
                total.update(path.read_bytes())
    return total.hexdigest()
