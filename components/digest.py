"""Content digests of local folders."""

import hashlib
from collections.abc import Collection
from pathlib import Path

from models.code import code_folders

# What TensorFlow writes of a SavedModel, and what we add to it.
_SAVED_MODEL = {"saved_model.pb", "fingerprint.pb", "variables", "assets", "assets.extra"}


def code_digest(task: str) -> str:
    """Digest of the learning code that a task's runs depend on: an edit of another changes none."""
    folders, others = code_folders(task)
    return folder_digest(*folders, without=others)


def model_digest(folder: Path) -> str:
    """Digest of a SavedModel's own files: what a pusher lays beside them changes none."""
    others = [path for path in folder.iterdir() if path.name not in _SAVED_MODEL]
    return folder_digest(folder, without=others)


def folder_digest(*folders: Path, without: Collection[Path] = ()) -> str:
    """SHA-256, in hex, over the names and bytes of all files of some folders, bytecode left out.

    Args:
        folders: what is summed up.
        without: folders within them that are left out.

    Among a component's execution properties it stands for the code that the component calls:
    TFX's cache key holds that code's name only, and would answer a change with what the old code
    made.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            left_out = any(path.is_relative_to(other) for other in without)
            if path.is_file() and path.parent.name != "__pycache__" and not left_out:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                total.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return total.hexdigest()
