"""Files of tensors in PyTorch's old format, written without PyTorch."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"long": 4}}
KINDS = {"float32": "FloatStorage", "int64": "LongStorage", "float64": "DoubleStorage"}


def plain(value: Any) -> bytes:
    """A value inside a pickle."""
    return pickle.dumps(value, 2)[2:-1]


def called(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def whole(content: bytes) -> bytes:
    """A pickle of what the functions here write."""
    return pickle.PROTO + b"\x02" + content + pickle.STOP


def row(*items: bytes) -> bytes:
    return pickle.MARK + b"".join(items) + pickle.TUPLE


def tensor(
    key: str, size: int, offset: int, shape: Any, strides: Any, kind: str = "FloatStorage"
) -> bytes:
    """A tensor in a storage of `size` values."""
    of_type = called("torch", kind)
    storage = row(plain("storage"), of_type, *map(plain, (key, "cpu", size, None)))
    hooks = called("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    arguments = row(storage + pickle.BINPERSID, *map(plain, (offset, shape, strides, False)), hooks)
    return called("torch._utils", "_rebuild_tensor_v2") + arguments + pickle.REDUCE


def stored(array: npt.NDArray[Any]) -> bytes:
    """An array's number of values and its values, as they lie in memory."""
    return array.size.to_bytes(8, "little") + array.ravel("K").tobytes()


def state(entries: Mapping[str, bytes]) -> bytes:
    """An ordered dict of what `tensor` writes, with a note beside its entries as PyTorch leaves."""
    items = b"".join(plain(name) + entry for name, entry in entries.items())
    empty = called("collections", "OrderedDict") + pickle.EMPTY_TUPLE + pickle.REDUCE
    note = plain({"_metadata": {"": {"version": 1}}}) + pickle.BUILD
    return empty + pickle.MARK + items + pickle.SETITEMS + note


def file_of(entries: Mapping[str, bytes], arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """A file of tensors and of the storages that they lie in, by key."""
    pickles = (plain(MAGIC_NUMBER), plain(1001), plain(MACHINE), state(entries), plain([*arrays]))
    return b"".join(map(whole, pickles)) + b"".join(map(stored, arrays.values()))


def write(tensors: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """A file of tensors, each in a storage of its own, with the strides that it has in memory."""
    entries = {}
    for name, array in tensors.items():
        strides = tuple(step // array.itemsize for step in array.strides)
        kind = KINDS[array.dtype.name]
        entries[name] = tensor(name, array.size, 0, array.shape, strides, kind)
    return file_of(entries, {name: np.asarray(array) for name, array in tensors.items()})
