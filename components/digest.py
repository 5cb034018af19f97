"""Content digests of local folders."""

import hashlib
from pathlib import Path


def folder_digest(*folders: Path) -> str:
    """SHA-256, in hex, over the names and bytes of all files of some folders, bytecode left out.

    Among a component's execution properties it stands for the code that the component calls:
    TFX's cache key holds that code's name only, and would answer a change with what the old code
    made.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.parent.name != "__pycache__":
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
