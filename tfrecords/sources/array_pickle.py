"""Reads pickles of plain values and arrays of bytes, as NumPy 1 stored them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from tfrecords.restricted_pickle import PickleFault, RestrictedUnpickler


class _Type:
    """Stands for a dtype."""

    def __init__(self, code: object):
        self.code = code

    def __setstate__(self, state: object) -> None:
        """Take byte order and alignment, which bytes do not have."""


class _Array:
    """Stands for an array, whose values come after it."""

    values: npt.NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, by_columns, raw = state
        if not isinstance(dtype, _Type) or dtype.code not in (b"u1", "u1"):
            raise PickleFault("holds an array of another type than uint8")
        if type(raw) is not bytes:
            raise PickleFault("holds an array of objects")
        self.values = np.frombuffer(raw, np.uint8).reshape(shape, order="F" if by_columns else "C")


def read_pickle(content: bytes) -> Any:
    """Read a pickle of dicts, list, texts and numbers, and of uint8 arrays.

    Texts of Python 2 are bytes.

    Raises:
        PickleFault: it is damaged, or names anything else.
    """
    known = {
        "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
        "numpy.ndarray": lambda *_: _Array(),
        "numpy.dtype": lambda code, *_: _Type(code),
    }
    return RestrictedUnpickler(io.BytesIO(content), known, encoding="bytes").load()


def read_array(value: object) -> npt.NDArray[np.uint8] | None:
    """Return the array, uint8, that a value of a pickle stands for, if it stands for one."""
    return value.values if isinstance(value, _Array) else None
