"""Reads files of tensors in the format that PyTorch wrote before 1.6, without PyTorch.

Such a file is five pickles (a magic number, the format's version, facts of the machine, the tensors
by name, and the keys of the storages that these lie in), and then for each key the storage's number
of values and the values.
"""

from __future__ import annotations

import math
import os
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from tfrecords.restricted_pickle import PickleFault, RestrictedUnpickler

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_VERSION = 1001
_COUNT_BYTES = 8
_MOST_AXES = 8  # NumPy has a limit, too
_TYPES: dict[str, np.dtype[Any]] = {
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.LongStorage": np.dtype("<i8"),
}


def read_tensors(path: str) -> dict[str, npt.NDArray[Any]]:
    """Read tensors by name: float32 or int64, read-only, of any strides.

    Raises:
        PickleFault: the file is damaged, of another format, or holds anything but tensors.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(2) == b"PK":
            raise PickleFault(
                "is of PyTorch's newer format, which is not read; write it again by "
                "torch.save(module.state_dict(), PATH, _use_new_zipfile_serialization=False)"
            )
        file.seek(0)
        if _Unpickler(file).load() != _MAGIC_NUMBER or _Unpickler(file).load() != _VERSION:
            raise PickleFault("is no file of tensors of PyTorch's")
        machine = _Unpickler(file).load()
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise PickleFault("was not written on a little-endian machine")
        unpickler = _Unpickler(file)
        tensors = unpickler.load()
        if not isinstance(tensors, dict) or not all(type(name) is str for name in tensors):
            raise PickleFault("holds something else than tensors by name")
        keys = _Unpickler(file).load()
        listed = isinstance(keys, list) and all(type(key) is str for key in keys)
        if not listed or sorted(keys) != sorted(unpickler.storages):
            raise PickleFault("lists other storages than its tensors lie in")
        storages = {key: _read_storage(file, *unpickler.storages[key]) for key in keys}
    return {name: _view(name, tensor, storages) for name, tensor in tensors.items()}


class _State(dict):
    """Stands for an ordered dict; what PyTorch notes beside its entries is left out."""

    def __setstate__(self, state: object) -> None:
        """Take the notes."""


class _Unpickler(RestrictedUnpickler):
    """Reads one of the pickles.

    A type and a storage are read as their names, and a tensor as a tuple, none of which a pickle
    can change.

    Attributes:
        storages: type and number of values of the storages that it named, by their keys.
    """

    def __init__(self, file: IO[bytes]):
        super().__init__(
            file,
            {
                **{name: name for name in _TYPES},
                "collections.OrderedDict": lambda: _State(),
                "torch._utils._rebuild_tensor_v2": lambda *arguments: arguments,
            },
        )
        self.storages: dict[str, tuple[np.dtype[Any], int]] = {}

    def persistent_load(self, pid: Any) -> str:
        """Note a storage, and return its key."""
        match pid:
            case ("storage", str(kind), str(key), _, int(size), *_) if kind in _TYPES and size >= 0:
                storage = (_TYPES[kind], size)
                if self.storages.setdefault(key, storage) == storage:
                    return key
        raise PickleFault("holds a storage of other values than float32 and int64")


def _read_storage(file: IO[bytes], dtype: np.dtype[Any], size: int) -> npt.NDArray[Any]:
    """Read the number of values, which has to be as announced, and the values."""
    if int.from_bytes(file.read(_COUNT_BYTES), "little") != size:
        raise PickleFault("is cut off or damaged: a storage has not as many values as announced")
    length = size * dtype.itemsize
    if os.fstat(file.fileno()).st_size - file.tell() < length:
        raise PickleFault("is cut off: the values of some tensors are missing")
    return np.frombuffer(file.read(length), dtype)


def _view(name: str, tensor: Any, storages: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return a tensor's values where they lie in its storage."""
    match tensor:
        case (str(key), int(offset), tuple(shape), tuple(strides), *_) if key in storages:
            values = storages[key]
            if _fits(offset, shape, strides, values.size):
                steps = [values.itemsize * step for step in strides]
                view = np.lib.stride_tricks.as_strided
                return view(values[offset:], shape, steps)
            raise PickleFault(f"has a tensor {ascii(name)[1:-1]} that lies outside its storage")
    raise PickleFault(f"holds something else than a tensor as {ascii(name)[1:-1]}")


def _fits(offset: int, shape: tuple[Any, ...], strides: tuple[Any, ...], size: int) -> bool:
    """Tell whether a tensor lies in a storage of so many values, and has no more than these."""
    numbers = (offset, *shape, *strides)
    if not len(shape) == len(strides) <= _MOST_AXES or not all(
        type(x) is int and x >= 0 for x in numbers
    ):
        return False
    last = offset + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    return 0 < math.prod(shape) <= size and last < size and max(strides, default=0) <= size
