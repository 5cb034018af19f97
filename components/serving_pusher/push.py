"""Versions of a SavedModel in one folder, as TensorFlow Serving reads them."""

import hashlib
import os
import re
import time
import uuid
from pathlib import Path

from tfx.dsl.io import fileio
from tfx.utils import io_utils

from serving import config

# Serving looks at folders named by a number only.
_INCOMING = ".incoming-"
_MODEL = "saved_model.pb"


def push(model_path: str, base_directory: str) -> str:
    """Make a model the newest version, unless it is that already.

    A version is there whole or not at all: on a disk it is copied under a name that Serving ignores
    and then renamed, and what an earlier push that was killed left is removed; in an object store,
    which renames nothing, its saved_model.pb comes last.

    Args:
        model_path: folder of the SavedModel.
        base_directory: folder of the versions, local or remote.

    Returns:
        Folder of the version that holds the model.
    """
    fileio.makedirs(base_directory)
    names = [name.rstrip("/") for name in fileio.listdir(base_directory)]
    for name in names:
        if name.startswith(_INCOMING):
            fileio.rmtree(os.path.join(base_directory, name))
    newest = max((int(name) for name in names if name.isdecimal()), default=0)
    newest_path = os.path.join(base_directory, str(newest))
    whole = newest and fileio.exists(os.path.join(newest_path, _MODEL))
    if whole and digest(newest_path) == digest(model_path):
        return newest_path
    version_path = os.path.join(base_directory, str(max(int(time.time()), newest + 1)))
    if "://" in base_directory:
        last = os.path.join(model_path, _MODEL)
        io_utils.copy_dir(model_path, version_path, deny_regex_patterns=[f"^{re.escape(last)}$"])
        io_utils.copy_file(last, os.path.join(version_path, _MODEL))
    else:
        incoming = os.path.join(base_directory, _INCOMING + uuid.uuid4().hex)
        io_utils.copy_dir(model_path, incoming)
        fileio.rename(incoming, version_path)
    return version_path


def pin(base_directory: str, model: str) -> None:
    """Has a server over a folder of this machine go on with what it serves, whatever is pushed.

    In a bucket there is no configuration: a server over one is told by whoever starts it.

    Args:
        base_directory: folder of the versions, local or remote.
        model: what the server calls it.

    Raises:
        ServingError: there is a configuration that cannot be read.
    """
    if "://" not in base_directory:
        fileio.makedirs(base_directory)
        config.pin(Path(base_directory), model)


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
