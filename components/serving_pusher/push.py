"""Versions of a SavedModel in one folder, as TensorFlow Serving reads them."""

import hashlib
import os
import time
import uuid

from tfx.dsl.io import fileio
from tfx.utils import io_utils

# Serving looks at folders named by a number only.
_INCOMING = ".incoming-"


def push(model_path: str, base_directory: str) -> str:
    """Makes a model the newest version, unless it is that already.

    The model is copied under a name that Serving ignores and then renamed, so that a version is
    there whole or not at all; what an earlier push that was killed left behind is removed.

    Args:
        model_path: folder of the SavedModel.
        base_directory: folder of the versions, local or remote.

    Returns:
        Folder of the version that holds the model.
    """
    fileio.makedirs(base_directory)
    entries = [name.rstrip("/") for name in fileio.listdir(base_directory)]
    for name in entries:
        if name.startswith(_INCOMING):
            fileio.rmtree(os.path.join(base_directory, name))
    newest = max((int(name) for name in entries if name.isdecimal()), default=0)
    newest_path = os.path.join(base_directory, str(newest))
    if newest and digest(newest_path) == digest(model_path):
        return newest_path
    incoming = os.path.join(base_directory, _INCOMING + uuid.uuid4().hex)
    io_utils.copy_dir(model_path, incoming)
    version_path = os.path.join(base_directory, str(max(int(time.time()), newest + 1)))
    fileio.rename(incoming, version_path)
    return version_path


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
