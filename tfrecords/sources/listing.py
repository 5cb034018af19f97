"""Finds photos and trimaps that belong together, and decides who trains and who validates."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from tfrecords import storage
from tfrecords.dataset import Skipped
from tfrecords.errors import DataError, listed
from tfrecords.naming import IMAGE_ENDINGS, cut_ending, is_hidden, name_key, show, tell_kind
from tfrecords.sources.pet_breeds import SPECIES

MASK_ENDINGS = (".png",)
_VAL_SHARE = 0.2
# A line of the data set's own lists: name, class, species and breed.
_OFFICIAL_LINE = re.compile(r"(?P<name>.+?)(\s+\d+){3}")
_DIVIDERS = ("\t", ";", ",")
_HEADINGS = {"file", "file_name", "filename", "id", "image", "image_id", "name", "path"}
_PETS_NAME = re.compile(r"^(?P<breed>.+)_\d+$")


@dataclasses.dataclass(frozen=True)
class Pair:
    """A photo with its trimap.

    Attributes:
        name: their common file name without ending.
        image: path of the photo.
        mask: path of the trimap.
    """

    name: str
    image: str
    mask: str

    @property
    def breed(self) -> str:
        """The breed, by PETS' rule `<breed>_<number>`; "other" where the name has no number."""
        match = _PETS_NAME.match(self.name)
        return match["breed"] if match else "other"

    @property
    def species(self) -> str:
        """Says "cat" or "dog" of the breeds of Oxford-IIIT Pet, "other" of all others."""
        return SPECIES.get(self.breed, "other")


class Found(NamedTuple):
    """What two folders hold; every file is in one of the three.

    Attributes:
        pairs: sorted by name.
        faults: the names that make no pair, with the reason.
        passed_over: number of files of no concern, by ending, or "hidden", or "no ending".
    """

    pairs: list[Pair]
    faults: list[Skipped]
    passed_over: Counter[str]


def find_pairs(images: str, masks: str) -> Found:
    """Pairs the files of two folders, and of the folders below them, by name.

    Of two folders one of which lies in the other, each has its own files.

    Args:
        images: local or remote folder of files with IMAGE_ENDINGS.
        masks: local or remote folder of .png files.

    Raises:
        DataError: a folder is missing, cannot be listed or holds no such file, or both are one.
    """
    if _absolute(images) == _absolute(masks):
        raise DataError(
            f"{images} is given for images and for masks; put the masks into a folder of their own."
        )
    photos, others = _by_name(images, masks, IMAGE_ENDINGS, "images")
    trimaps, beside_masks = _by_name(masks, images, MASK_ENDINGS, "masks")
    unread = {PurePosixPath(path).stem: PurePosixPath(path).name for path in others}
    pairs, faults = [], []
    for name in sorted(photos.keys() | trimaps.keys()):
        photo, trimap = photos.get(name, []), trimaps.get(name, [])
        if len(photo) > 1:
            faults.append(Skipped(name=name, reason=_shared("images", images, photo)))
        elif len(trimap) > 1:
            faults.append(Skipped(name=name, reason=_shared("masks", masks, trimap)))
        elif not trimap:
            faults.append(Skipped(name=name, reason=f"image has no mask {name}.png in {masks}"))
        elif not photo:
            only = f", only {unread[name]}, which cannot be read" if name in unread else ""
            faults.append(Skipped(name=name, reason=f"mask has no image in {images}{only}"))
        elif not name.isprintable():  # also what is left of a name that is not UTF-8
            faults.append(Skipped(name=name, reason="file name is not printable UTF-8 text"))
        else:
            pairs.append(Pair(name, photo[0], trimap[0]))
    return Found(pairs, faults, Counter(map(tell_kind, sorted(others + beside_masks))))


def read_names(path: str, known: Collection[str] = ()) -> list[str]:
    """Read a list of names, such as the data set's own trainval.txt.

    A line holds a name, with or without folders and an image's ending. Of a table the first column
    is the name: one whose columns are divided by commas, semicolons or tabs, with or without a
    heading, or the data set's own, where three numbers follow the name. Empty lines and lines that
    start with # mean nothing here. A line that is a known name as a whole is that name, whatever
    it holds.

    Args:
        path: a text file in UTF-8, or in UTF-16 with a byte order mark.
        known: names that there are, as those of `find_pairs`.

    Returns:
        The names as those of `find_pairs`, sorted.

    Raises:
        DataError: the file cannot be read as text or names nothing.
    """
    try:
        content = storage.read_bytes(path)
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
        lines = [line.strip() for line in text.splitlines()]
        whole = {line: _name_in(line) for line in lines}
        cells = [
            line if whole[line] in known else _first_cell(line)
            for line in lines
            if line and (whole[line] in known or not line.startswith("#"))
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"Cannot read the list {path}: {reason}; expected a text file.") from error
    if cells and cells[0].lower() in _HEADINGS:
        del cells[0]
    names = set(map(_name_in, cells)) - {""}
    if not names:
        raise DataError(f"The list {path} names no image; expected one name a line.")
    return sorted(names)


def _name_in(path: str) -> str:
    return cut_ending(re.split(r"[/\\]", path)[-1])


def _first_cell(line: str) -> str:
    official = _OFFICIAL_LINE.fullmatch(line)
    if official:
        return official["name"]
    divider = next((mark for mark in _DIVIDERS if mark in line), ",")
    return next(csv.reader([line], delimiter=divider))[0].strip()


def split_by_lists(
    pairs: Iterable[Pair], faults: Iterable[Skipped], train: list[str], val: list[str]
) -> tuple[dict[str, list[Pair]], list[Skipped]]:
    """Split pairs as two lists of names say; what neither names is in no split.

    Returns:
        The pairs per split, and the faults that concern the lists' names.

    Raises:
        DataError: a name is in both lists.
    """
    if common := sorted(set(train) & set(val)):
        raise DataError(
            listed(
                f"{len(common)} names are in the train list and in the val list; "
                "leave each in one of them:",
                common,
            )
        )
    known = {pair.name: pair for pair in pairs}
    wanted = {show(name) for name in (*train, *val)}
    concerned = [fault for fault in faults if fault.name in wanted]
    missing = wanted - known.keys() - {fault.name for fault in concerned}
    concerned += [
        Skipped(name=name, reason="is in a list but has neither image nor mask")
        for name in sorted(missing)
    ]
    splits = {
        split: [known[name] for name in names if name in known]
        for split, names in (("train", train), ("val", val))
    }
    return splits, concerned


def split_by_name(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Split about 80 to 20 within every breed, by nothing but the names.

    A breed's names are ordered by their SHA-256 and the first fifth validates, one at least; the
    only image of a breed trains.
    """
    breeds: dict[str, list[Pair]] = {}
    for pair in pairs:
        breeds.setdefault(pair.breed, []).append(pair)
    splits: dict[str, list[Pair]] = {"train": [], "val": []}
    for members in breeds.values():
        ordered = sorted(members, key=lambda pair: name_key(pair.name))
        held_out = max(1, round(_VAL_SHARE * len(ordered))) if len(ordered) > 1 else 0
        splits["val"] += ordered[:held_out]
        splits["train"] += ordered[held_out:]
    return splits


def _by_name(
    folder: str, other: str, endings: tuple[str, ...], what: str
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the paths below a folder and not below another, by name; and those of other files."""
    try:
        paths = storage.files_under(folder)
    except OSError as error:
        raise DataError(
            f"Cannot list {error.filename}: {error.strerror}; correct the path or its permissions."
        ) from error
    own, within = _absolute(folder), _absolute(other)
    if within.startswith(own + "/"):
        excluded = storage.join(folder, within.removeprefix(own + "/")) + "/"
        paths = [path for path in paths if not path.startswith(excluded)]
    found: dict[str, list[str]] = {}
    passed_over = []
    for path in (path[len(folder.rstrip("/")) + 1 :] for path in paths):
        name = PurePosixPath(path).name
        if name.lower().endswith(endings) and not is_hidden(path):
            found.setdefault(cut_ending(name), []).append(storage.join(folder, path))
        else:
            passed_over.append(path)
    if not found:
        kinds = Counter(map(tell_kind, passed_over))
        counts = ", ".join(f"{n} {kind}" for kind, n in kinds.items())
        raise DataError(
            f"No {what} in {folder}; expected files that end in {', '.join(endings)}: "
            "correct the path" + (f", or convert what is there, {counts}." if counts else ".")
        )
    return found, passed_over


def _absolute(folder: str) -> str:
    return folder.rstrip("/") if storage.is_remote(folder) else os.path.realpath(folder)


def _shared(what: str, folder: str, paths: list[str]) -> str:
    both = " and ".join(path[len(folder.rstrip("/")) + 1 :] for path in paths)
    return f"two {what} share this name: {both}"
