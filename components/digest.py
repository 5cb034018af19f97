"""Content digests: what a version is named and recognised by."""

import hashlib
import os

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
