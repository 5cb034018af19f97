"""Brings a model here from where a container is told to find it."""

import os
from pathlib import Path

import tensorflow as tf

from serving.errors import ServingError


def fetch(uri: str, target: Path) -> Path:
    """Copy a folder of any file system that TensorFlow knows; one of this machine is taken as is.

    Args:
        uri: such as gs://bucket/folder, AIP_STORAGE_URI of Vertex AI.
        target: an empty folder.

    Raises:
        ServingError: it cannot be read.
    """
    if "://" not in uri:
        return Path(uri)
    try:
        for parent, _, files in tf.io.gfile.walk(uri, onerror=_fail):
            place = target / os.path.relpath(parent, uri)
            place.mkdir(parents=True, exist_ok=True)
            for file in files:
                tf.io.gfile.copy(os.path.join(parent, file), str(place / file))
    except (tf.errors.OpError, OSError) as error:
        raise ServingError(
            f"{uri} cannot be copied ({type(error).__name__}): look whether it is there, whether "
            "this machine may read it, and whether the disk has room."
        ) from error
    return target


def _fail(error: Exception) -> None:
    raise error
