"""Which class a mask's values or colours stand for."""

from __future__ import annotations

import colorsys
import csv
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from tfrecords import storage
from tfrecords.errors import DataError
from tfrecords.images import ImageFault
from tfrecords.naming import show

IGNORED = 255  # what a record's mask holds where there is no class
_NAMED, _EXPECTED = 5, 10  # codes that a message names
_VALUE_COLUMNS = ("value",)
_COLOUR_COLUMNS = ("r", "g", "b")
_DIVIDERS = ("\t", ";")  # of tables that are called CSV and have no commas
_GOLDEN_RATIO = 0.618034


@dataclasses.dataclass(frozen=True)
class ClassTable:
    """Reads masks: a `tfrecords.images.MaskReader`.

    Attributes:
        names: of the classes, by id.
        ids: class id, or IGNORED, by code: a mask's value 0..255, or its colour as 0xRRGGBB.
        coloured: whether the codes are colours.
        binary: whether a mask's 255 is class 1, where it does not hold 1 itself.
    """

    names: tuple[str, ...]
    ids: Mapping[int, int]
    coloured: bool = False
    binary: bool = False

    def __call__(self, mask: Image.Image) -> Image.Image:
        """Make class ids, mode L, of a mask.

        Raises:
            ImageFault: it holds what no class is known by.
        """
        codes = read_colours(mask) if self.coloured else read_values(mask)
        known = np.array(sorted(self.ids))
        positions = np.searchsorted(known, codes).clip(max=len(known) - 1)
        strange = codes[known[positions] != codes]
        if strange.size:
            raise ImageFault(self._refusal(strange))
        if self.binary and {1, 255} <= set(np.unique(codes).tolist()):
            raise ImageFault(
                "mask holds 1 and 255; if 255 stands for no class, pass --ignore 255, else name "
                "each value's class in a table"
            )
        return Image.fromarray(np.array([self.ids[code] for code in known], np.uint8)[positions])

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """A colour for each class: its first in the table, or hues that lie far apart."""
        if self.coloured:
            first = {class_id: code for code, class_id in reversed(list(self.ids.items()))}
            return tuple(_rgb(first[class_id]) for class_id in range(len(self.names)))
        hues = (index * _GOLDEN_RATIO % 1 for index in range(len(self.names)))
        return tuple(
            (round(255 * red), round(255 * green), round(255 * blue))
            for red, green, blue in (colorsys.hsv_to_rgb(hue, 0.7, 0.8) for hue in hues)
        )

    @property
    def ignores(self) -> bool:
        """Whether pixels of no class are known."""
        return IGNORED in self.ids.values()

    def parameters(self) -> dict[str, dict[str, str]]:
        """Return what decides the masks' content as plain values: the class of each value."""
        return {"classes": {self._told(code): self._name(code) for code in self.ids}}

    def _refusal(self, strange: npt.NDArray[np.int32]) -> str:
        codes = np.unique(strange)
        held = " and ".join(self._told(code) for code in codes[:_NAMED].tolist())
        more = f" and {len(codes) - _NAMED} more" if len(codes) > _NAMED else ""
        expected = ", ".join(
            f"{self._told(code)} ({self._name(code)})" for code in list(self.ids)[:_EXPECTED]
        )
        expected += ", …" if len(self.ids) > _EXPECTED else ""
        return (
            f"mask holds {held}{more}, in {strange.size} pixels; expected {expected}: correct "
            "--classes, or name what stands for no class by --ignore"
        )

    def _name(self, code: int) -> str:
        class_id = self.ids[code]
        return "none" if class_id == IGNORED else self.names[class_id]

    def _told(self, code: int) -> str:
        return ",".join(map(str, _rgb(code))) if self.coloured else str(code)


def read_classes(classes: str, ignore: str | None = None) -> ClassTable:
    """Read the command line's table of classes.

    Args:
        classes: names of the values 0, 1, 2, ..., with commas between them; of two, the latter's
            value may also be 255. Or the path of a .csv file with the columns `name` and `value`,
            or `name`, `r`, `g` and `b`; lines of one name are one class.
        ignore: the value or colour, as R,G,B, of pixels that are of no class.

    Raises:
        DataError: it is no such table.
    """
    table = _read_table(classes) if classes.lower().endswith(".csv") else _from_names(classes)
    if len(table.names) == 1:
        raise DataError(
            f"--classes {classes} names one class; expected two or more, such as leaf,background, "
            "or the path of a .csv file of them."
        )
    if len(table.names) > IGNORED:
        raise DataError(f"--classes has {len(table.names)} classes; expected at most {IGNORED}.")
    for name in table.names:
        if not name.isprintable():
            raise DataError(f"--classes names {show(name)}; expected names that can be printed.")
    if ignore is None:
        return table
    code = _code(ignore.split(","), table.coloured, f"--ignore {ignore}")
    if table.binary and code == 255:
        table = dataclasses.replace(table, binary=False)
    elif code in table.ids:
        raise DataError(f"--ignore {ignore} is {table.names[table.ids[code]]} in --classes.")
    return dataclasses.replace(table, ids={**table.ids, code: IGNORED})


def _from_names(classes: str) -> ClassTable:
    names = tuple(name.strip() for name in classes.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise DataError(
            f"--classes {classes} names a class twice, or none between two commas; expected names "
            "such as leaf,background, or the path of a .csv file."
        )
    ids = {value: value for value in range(len(names))}
    if len(names) == 2:
        return ClassTable(names, {**ids, 255: 1}, binary=True)
    return ClassTable(names, ids)


def _read_table(path: str) -> ClassTable:
    try:
        lines = storage.read_bytes(path).decode("utf-8-sig").splitlines()
    except OSError as error:
        raise DataError(f"--classes {path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise DataError(f"--classes {path} is no text in UTF-8; save it as such.") from None
    try:
        return _from_lines(lines, path)
    except csv.Error as error:
        raise DataError(f"--classes {path} is no table: {error}; save it as CSV.") from None


def _from_lines(lines: Sequence[str], path: str) -> ClassTable:
    heading = lines[0] if lines else ""
    divider = next((mark for mark in _DIVIDERS if mark in heading), ",")
    rows = csv.DictReader(lines, skipinitialspace=True, delimiter=divider)
    rows.fieldnames = [column.strip().lower() for column in rows.fieldnames or ()]
    coloured = set(_COLOUR_COLUMNS) <= set(rows.fieldnames)
    columns = _COLOUR_COLUMNS if coloured else _VALUE_COLUMNS
    if not {"name", *columns} <= set(rows.fieldnames):
        raise DataError(
            f"--classes {path} has the columns {', '.join(rows.fieldnames) or 'none'}; expected "
            "name and value, or name, r, g and b."
        )
    names: dict[str, int] = {}
    ids: dict[int, int] = {}
    for row in rows:
        place = f"--classes {path}, line {rows.line_num}"
        code = _code([row[column] or "" for column in columns], coloured, place)
        name = (row["name"] or "").strip()
        if not name or code in ids:
            raise DataError(f"{place} names no class, or a value that an earlier line has.")
        ids[code] = names.setdefault(name, len(names))
    if not names:
        raise DataError(f"--classes {path} names no class.")
    return ClassTable(tuple(names), ids, coloured)


def _code(parts: Sequence[str], coloured: bool, place: str) -> int:
    try:
        numbers = [int(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != (3 if coloured else 1) or not all(0 <= n <= 255 for n in numbers):
        expected = "a colour, R,G,B each of 0 to 255" if coloured else "a value of 0 to 255"
        raise DataError(f"{place} has {','.join(parts) or 'nothing'}; expected {expected}.")
    return int.from_bytes(bytes(numbers), "big")


def _rgb(colour: int) -> tuple[int, int, int]:
    red, green, blue = colour.to_bytes(3, "big")
    return red, green, blue


def read_values(mask: Image.Image) -> npt.NDArray[np.int32]:
    """Return a mask's values, int32 [height, width]; those of a palette are its indices.

    Raises:
        ImageFault: it has colours, or no values.
    """
    mask = _opaque(mask)
    if mask.mode == "RGB":
        channels = np.asarray(mask)
        if (channels != channels[..., :1]).any():
            raise ImageFault(
                "mask is coloured; give --classes a .csv file of the columns name, r, g and b"
            )
        return channels[..., 0].astype(np.int32)
    if mask.mode in ("L", "P") or mask.mode.startswith("I"):
        return np.asarray(mask).astype(np.int32)
    raise ImageFault(f"mask has mode {mask.mode}; expected grey, a palette or RGB")


def read_colours(mask: Image.Image) -> npt.NDArray[np.int32]:
    """Return a mask's colours as 0xRRGGBB, int32 [height, width].

    Raises:
        ImageFault: it has none.
    """
    mask = _opaque(mask)
    if mask.mode not in ("L", "P", "RGB"):
        raise ImageFault(f"mask has mode {mask.mode}; expected RGB or a palette")
    pixels = np.asarray(mask.convert("RGB")).astype(np.int32)
    return pixels[..., 0] << 16 | pixels[..., 1] << 8 | pixels[..., 2]


def _opaque(mask: Image.Image) -> Image.Image:
    """Return a mask of two levels as grey, and one with an alpha channel without it."""
    if mask.mode == "1":
        return mask.convert("L")
    if mask.mode not in ("LA", "RGBA"):
        return mask
    if mask.getchannel("A").getextrema() != (255, 255):
        raise ImageFault("mask is transparent in places; expected opaque pixels")
    return mask.convert(mask.mode[:-1])
