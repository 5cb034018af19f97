"""Unpickling without running anything.

A pickle is a program that calls whatever functions it names. Here it finds the names that its
reader knows, and stand-ins for what they stand for, which keep their arguments.
"""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Mapping
from typing import IO, Any


class PickleFault(ValueError):
    """Why a pickle is not read, in words that follow its name."""


class RestrictedUnpickler(pickle.Unpickler):
    """Reads one pickle.

    Args:
        file: at the pickle's first byte, and seekable; it is left after its last.
        known: what a pickle may name, as in `collections.OrderedDict`, and what it finds there. It
            may set attributes of this, which therefore is made again for each pickle.
        encoding: of the texts of Python 2; `bytes` leaves them as they are.
    """

    def __init__(self, file: IO[bytes], known: Mapping[str, object], encoding: str = "ASCII"):
        super().__init__(file, encoding=encoding)
        self._file, self._known = file, known

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for.

        Raises:
            PickleFault: it is not known.
        """
        found = self._known.get(f"{module}.{name}")
        if found is None:
            raise PickleFault(f"would run {ascii(f'{module}.{name}')[1:-1]}, which it may not")
        return found

    def load(self) -> Any:
        """Read the pickle.

        Raises:
            PickleFault: it is damaged, or names what is not known.
        """
        try:
            begin = self._file.tell()
            _check_memo(self._file)
            self._file.seek(begin)
            return super().load()
        except PickleFault:
            raise
        except Exception as error:  # what is damaged fails in any way
            raise PickleFault(f"is cut off, damaged or no pickle ({error})") from error


def _check_memo(file: IO[bytes]) -> None:
    """Look whether a pickle numbers its values one by one.

    `pickle` reserves memory by the highest number: nine bytes could ask for 64 GB.

    Raises:
        PickleFault: a number is higher than that of the values so far.
    """
    for place, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and (number or 0) > place:
            raise PickleFault("numbers a value that it does not have, and would take all memory")
