"""Reads the request log: TFRecord files of TensorFlow Serving's PredictionLog, an image each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from serving.errors import ServingError
from tfrecords.errors import DataError
from tfrecords.shards import read_records, record_size

PATTERN = "requests-*.tfrecord"
# Outputs that the server adds to the model's.
ID, TIMESTAMP, ROUTE = "request_id", "timestamp", "route"
INPUT = "image_bytes"


@dataclass(frozen=True)
class Logged:
    """An image that was asked about, and its answer.

    Attributes:
        id: of the request and of the image in it, as labels name it.
        seconds: when it was answered, since 1970.
        model: its name.
        version: which answered.
        route: the label by which it was asked; `shadow` for an answer that nobody got.
        image: JPEG or PNG.
        outputs: the model's, by name, [1, …].
    """

    id: str
    seconds: float
    model: str
    version: int
    route: str
    image: bytes
    outputs: Mapping[str, npt.NDArray[np.generic]]


def list_files(folder: Path) -> list[Path]:
    """The files of a log, oldest first.

    Raises:
        ServingError: it cannot be looked into.
    """
    try:
        return sorted(path for path in folder.iterdir() if path.match(PATTERN))
    except OSError as error:
        raise ServingError(
            f"The log {folder} cannot be read ({error.strerror}): name the folder that `visionpipe "
            "serve --log` writes, as its user."
        ) from error


def read_log(folder: Path) -> Iterator[Logged]:
    """Reads all of a log, oldest first.

    Raises:
        ServingError: it cannot be read, or is no log of the server.
    """
    for path in list_files(folder):
        yield from (logged for _, logged in read_file(path))


def read_file(path: Path, start: int = 0) -> Iterator[tuple[int, Logged]]:
    """Reads a file to its last whole record: it is being written, or its writer was killed.

    Args:
        path: the file; one that has gone meanwhile is empty.
        start: where the first record begins, in bytes.

    Yields:
        Where the next record begins, and what this one holds.

    Raises:
        ServingError: it cannot be read, or is no log of the server.
    """
    try:
        for record in _whole_records(path, start):
            start += record_size(record)
            yield start, _read(record)
    except (DecodeError, KeyError, IndexError, ValueError) as error:
        raise ServingError(
            f"{path} is no log of this server ({type(error).__name__}): remove it, or name another "
            "folder."
        ) from error
    except OSError as error:
        raise ServingError(f"{path} cannot be read ({error.strerror}).") from error


def _whole_records(path: Path, start: int) -> Iterator[bytes]:
    try:
        yield from read_records(str(path), start)
    except (DataError, FileNotFoundError):
        return


def _read(record: bytes) -> Logged:
    log = PredictionLog.FromString(record).predict_log
    outputs = {name: tf.make_ndarray(proto) for name, proto in log.response.outputs.items()}
    return Logged(
        id=outputs.pop(ID)[0].decode(),
        seconds=float(outputs.pop(TIMESTAMP)[0]),
        model=log.request.model_spec.name,
        version=log.response.model_spec.version.value,
        route=outputs.pop(ROUTE)[0].decode(),
        image=log.request.inputs[INPUT].string_val[0],
        outputs=outputs,
    )
