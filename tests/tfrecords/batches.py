"""Batches of drawn images, in the bytes that Python 2 and NumPy 1 wrote those of CIFAR-10 in."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

NAMES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")


def text(value: bytes) -> bytes:
    """A str of Python 2."""
    return pickle.BINSTRING + struct.pack("<i", len(value)) + value


def number(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)


def called(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def array(values: npt.NDArray[np.uint8], dtype: bytes = b"u1") -> bytes:
    shape = b"".join(map(number, values.shape))
    return b"".join(
        (
            called("numpy.core.multiarray", "_reconstruct"),
            called("numpy", "ndarray") + number(0) + pickle.TUPLE1 + text(b"b") + pickle.TUPLE3,
            pickle.REDUCE + pickle.MARK + number(1) + pickle.MARK + shape + pickle.TUPLE,
            called("numpy", "dtype") + text(dtype) + number(0) + number(1) + pickle.TUPLE3,
            pickle.REDUCE + pickle.MARK + number(3) + text(b"|") + pickle.NONE * 3,
            number(-1) + number(-1) + number(0) + pickle.TUPLE + pickle.BUILD,
            pickle.NEWFALSE + text(values.tobytes()) + pickle.TUPLE + pickle.BUILD,
        )
    )


def listed(labels: list[int]) -> bytes:
    numbers = b"".join(map(number, labels))
    return pickle.EMPTY_LIST + pickle.MARK + numbers + pickle.APPENDS


def pickled(**entries: bytes) -> bytes:
    """A dict of values that the functions above write."""
    items = b"".join(text(key.encode()) + value for key, value in entries.items())
    return b"\x80\x02" + pickle.EMPTY_DICT + pickle.MARK + items + pickle.SETITEMS + pickle.STOP


def draw_batches(count: int = 20) -> Mapping[str, tuple[npt.NDArray[np.uint8], list[int]]]:
    """Images, uint8 [count, 3, 32, 32], and as many labels in turn, of each batch."""
    random = np.random.default_rng(0)
    return {
        name: (
            random.integers(0, 256, (count, 3, 4, 4), np.uint8).repeat(8, 2).repeat(8, 3),
            [index % 10 for index in range(count)],
        )
        for name in NAMES
    }


def write_batches(folder: Path, count: int = 20) -> None:
    """Writes drawn batches as files."""
    folder.mkdir(parents=True)
    for name, (images, labels) in draw_batches(count).items():
        write_batch(folder / name, images, labels)


def write_batch(path: Path, images: npt.NDArray[np.uint8], labels: list[int]) -> None:
    """Writes images, uint8 [N, 3, 32, 32], as a batch."""
    label, data = text(path.name.encode()), array(images.reshape(len(images), -1))
    path.write_bytes(pickled(batch_label=label, labels=listed(labels), data=data))
