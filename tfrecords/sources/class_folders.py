"""Finds images whose folders tell their classes, and makes records of them."""

from __future__ import annotations

import dataclasses
import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tfrecords import storage
from tfrecords.convert import Outcome
from tfrecords.copies import pixel_digest, thumbnail
from tfrecords.dataset import Skipped
from tfrecords.errors import DataError
from tfrecords.example import ClassifiedImage
from tfrecords.images import convert_image
from tfrecords.naming import IMAGE_ENDINGS, cut_ending, is_hidden, tell_kind
from tfrecords.storage import Files, Place

TRAIN, CALIBRATION = "train", "calibration"
_JUDGING = ("val", "valid", "validation", "test")  # names of the split that judges
_NAMED = 10  # classes that a message names


@dataclasses.dataclass(frozen=True)
class ClassFile:
    """An image file with its class.

    Attributes:
        name: its path within the folder of all images, without ending.
        class_name: name of its class.
        place: where it is.
    """

    name: str
    class_name: str
    place: Place


class Found(NamedTuple):
    """What a folder holds; every file is in one of the three.

    Attributes:
        splits: the images by split, `train` and maybe `val` and `calibration`, in the order of
            their names; all are `train` where no folders tell splits.
        faults: files and folders that are not where they belong, with the reason.
        passed_over: number of files of no concern, by ending, or "hidden", or "no ending".
    """

    splits: dict[str, list[ClassFile]]
    faults: list[Skipped]
    passed_over: Counter[str]


def find_images(folder: str, files: Files) -> Found:
    """Find images in CLASS/, or in train/CLASS/ and in val/CLASS/, valid/CLASS/ or test/CLASS/.

    Beside train/CLASS/ there may be calibration/CLASS/. All that may lie in a single folder more,
    as in many archives.

    Args:
        folder: a folder or an archive.
        files: what is in it.

    Raises:
        DataError: there are no such images.
    """
    images, passed_over = [], Counter[str]()
    for path in sorted(files.places):
        if path.lower().endswith(IMAGE_ENDINGS) and not is_hidden(path):
            images.append(path)
        else:
            passed_over[tell_kind(path)] += 1
    if not images:
        counts = ", ".join(f"{n} {kind}" for kind, n in passed_over.items())
        raise DataError(
            f"No images in {folder}; expected files in CLASS/ that end in "
            f"{', '.join(IMAGE_ENDINGS)}: correct the path"
            + (f", or convert what is there, {counts}." if counts else ".")
        )
    root = _enter_single_folder(images)
    inside = [path[len(root) :] for path in images]
    split_of = _splits_by_folder({path.split("/")[0] for path in inside if "/" in path}, folder)
    depth = 3 if split_of else 2
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    faults, nested = [], Counter[str]()
    for path in inside:
        parts = path.split("/")
        if len(parts) < depth:
            where = "outside any class's folder; move it into one, or away"
            faults.append(Skipped(name=path, reason=where))
        elif len(parts) > depth:
            nested["/".join(parts[:-1])] += 1
        else:
            found[cut_ending(path)].append((path, parts[depth - 2]))
    for inner, count in nested.items():
        above = "/".join(inner.split("/")[: depth - 1])
        reason = (
            f"folder within a class's folder, with {count} images; move them up to "
            f"{above}, or make the folder a class beside it"
        )
        faults.append(Skipped(name=inner, reason=reason))
    splits: dict[str, list[ClassFile]] = {split: [] for split in {TRAIN, *split_of.values()}}
    for name, same in sorted(found.items()):
        (path, class_name), *others = same
        if others:
            both = " and ".join(path for path, _ in same)
            faults.append(Skipped(name=name, reason=f"two images share this name: {both}"))
        elif not name.isprintable():  # also what is left of a name that is not UTF-8
            reason = "file name is not printable UTF-8 text; rename the file"
            faults.append(Skipped(name=name, reason=reason))
        else:
            split = split_of[path.split("/")[0]] if split_of else TRAIN
            place = files.places[root + path]
            splits[split].append(ClassFile(name, unicodedata.normalize("NFC", class_name), place))
    below = (path[len(root) :] for path in files.folders if path.startswith(root))
    faults += _find_empty_folders(below, inside, split_of)
    return Found({split: splits[split] for split in sorted(splits)}, faults, passed_over)


def name_classes(
    splits: Mapping[str, Sequence[ClassFile]], order: str | None = None
) -> tuple[str, ...]:
    """Name the classes by id.

    Args:
        splits: images.
        order: the classes in an order of one's own, with commas between them; by default they are
            sorted by name.

    Raises:
        DataError: there are fewer than two, two differ in nothing but case, one is not in every
            split, or `order` names others.
    """
    by_split = {split: {file.class_name for file in files} for split, files in splits.items()}
    names = sorted(set().union(*by_split.values()))
    if len(names) < 2:
        raise DataError(
            f"All images are of {'one class, ' + names[0] if names else 'no class'}; expected two "
            "classes or more, each in a folder of its own."
        )
    spelt: dict[str, list[str]] = defaultdict(list)
    for name in names:
        spelt[name.strip().casefold()].append(name)
    if alike := [" and ".join(same) for same in spelt.values() if len(same) > 1]:
        raise DataError(
            f"The classes {', '.join(alike)} differ in upper and lower case or blanks alone; give "
            "them one name, or two that differ."
        )
    for split, own in by_split.items():
        if missing := [name for name in names if name not in own]:
            raise DataError(
                f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} in no image of the "
                f"{split} split; add images there, or take the class out of the other split."
            )
    if order is None:
        return tuple(names)
    given = tuple(unicodedata.normalize("NFC", name.strip()) for name in order.split(","))
    if sorted(given) != names:
        raise DataError(
            f"--class-names {order} names {len(given)} classes, and the folders are those of "
            f"{_listed(names)}; name each of them once, with commas between."
        )
    return given


def digest_files(files: Iterable[ClassFile]) -> dict[str, bytes]:
    """SHA-256 of each file's bytes, by name.

    The same bytes have the same digest, whatever they are called and wherever they are copied to.
    That of a file that cannot be read is of none: who converts it tells why.
    """
    files = list(files)
    with ThreadPoolExecutor() as threads:  # which wait for a bucket
        return dict(zip((file.name for file in files), threads.map(_digest, files), strict=True))


def convert_file(file: ClassFile, max_side: int, ids: Mapping[str, int]) -> Outcome:
    """Read, check and convert an image file.

    Args:
        file: which.
        max_side: long side in pixels above which it is reduced.
        ids: class ids by name.

    Raises:
        ImageFault: it cannot be used.
        OSError: it cannot be read.
    """
    kept = convert_image(storage.read_bytes(*file.place), max_side)
    return Outcome(
        file.name,
        ClassifiedImage(file.name, kept.image, ids[file.class_name]).serialize(),
        changes=kept.changes,
        thumbnail=thumbnail(kept.pixels),
        pixels=pixel_digest(kept.pixels),
    )


def _digest(file: ClassFile) -> bytes:
    try:
        return hashlib.sha256(storage.read_bytes(*file.place)).digest()
    except OSError:
        return b""


def _enter_single_folder(images: Sequence[str]) -> str:
    """Return the folder, with its `/`, that holds all class folders, below the given one."""
    root = ""
    while True:
        tops = {path[len(root) :].split("/")[0] for path in images}
        deep = all(path[len(root) :].count("/") >= 2 for path in images)
        if len(tops) > 1 or not deep or (top := tops.pop()).lower() == TRAIN:
            return root
        root += f"{top}/"


def _splits_by_folder(tops: Iterable[str], folder: str) -> dict[str, str]:
    """Return the split of each top folder; empty where these are classes.

    Raises:
        DataError: two folders would be one split.
    """
    known = {TRAIN: TRAIN, CALIBRATION: CALIBRATION, **dict.fromkeys(_JUDGING, "val")}
    split_of = {top: known.get(top.lower(), "") for top in sorted(tops)}
    if TRAIN not in split_of.values() or not all(split_of.values()):
        return {}
    for split in (TRAIN, "val", CALIBRATION):
        if len(same := [top for top, own in split_of.items() if own == split]) > 1:
            raise DataError(
                f"{folder} holds {' and '.join(same)}, and one folder makes the {split} split; "
                "move the others away."
            )
    return split_of


def _find_empty_folders(
    folders: Iterable[str], images: Iterable[str], split_of: Mapping[str, str]
) -> list[Skipped]:
    """Class folders in which no image lies."""
    level = 2 if split_of else 1
    full = {"/".join(path.split("/")[:level]) for path in images}
    reason = "class folder holds no image; add some, or remove it"
    return [
        Skipped(name=folder, reason=reason)
        for folder in sorted(folders)
        if len(parts := folder.split("/")) == level
        and (not split_of or parts[0] in split_of)
        and folder not in full
        and not is_hidden(folder)
    ]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
