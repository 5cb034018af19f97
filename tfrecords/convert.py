"""Turns labelled images into staged shards, on all cores of this machine.

Every file is read and decoded once: the step that checks an image also converts it. What it finds
wrong travels on in place of the record, so that one run names every bad file.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol, TypeVar

from pydantic import BaseModel
from rich.console import Console
from rich.progress import Progress

from tfrecords import storage
from tfrecords.copies import find_copies
from tfrecords.dataset import ConvertedRecord, Duplicate, RecordInfo, Skipped
from tfrecords.images import ImageFault
from tfrecords.naming import name_key
from tfrecords.shards import read_records, write_records


class Item(Protocol):
    """What becomes a record, such as a photo and its mask."""

    @property
    def name(self) -> str:
        """Unique in its set."""


T = TypeVar("T", bound=Item)


class Outcome(NamedTuple):
    """A converted item.

    Attributes:
        name: of the item.
        record: the serialized example; empty when the item is bad.
        fault: what is wrong with the item; empty when nothing is.
        breed: of the item; empty where there are none.
        changes: what was done to the photo, as `tfrecords.images.Converted` has it.
        thumbnail: likewise.
        pixels: SHA-256 of the photo's pixels; empty where nobody asks which are equal.
    """

    name: str
    record: bytes = b""
    fault: str = ""
    breed: str = ""
    changes: tuple[str, ...] = ()
    thumbnail: bytes = b""
    pixels: bytes = b""


# Reads and checks an item and makes a record of it, or raises ImageFault or OSError.
Converter = Callable[[T], Outcome]


class ShardIndex(BaseModel):
    """What a shard holds, and what was left out of it."""

    records: list[ConvertedRecord]
    skipped: list[Skipped]


def deal(splits: Mapping[str, list[T]], num_shards: Mapping[str, int]) -> dict[str, list[T]]:
    """Deals the items of every split to its shards in turn, in an order of names as if at random.

    Args:
        splits: the items of every split.
        num_shards: the number of shards of every split, at most that of its items.

    Returns:
        The items of every staged shard, by its name, in the order in which it is to hold them.
    """
    dealt = {}
    for split, items in splits.items():
        ordered = sorted(items, key=lambda item: name_key(item.name))
        for shard in range(num_shards[split]):
            dealt[f"{split}-{shard:05d}"] = ordered[shard :: num_shards[split]]
    return dealt


def convert(
    shards: Mapping[str, list[T]], folder: str, converter: Converter[T]
) -> dict[str, ShardIndex]:
    """Convert items and write them to `folder`, a shard at a time being held in memory.

    Args:
        shards: as `deal` gives them.
        folder: existing folder, local or remote.
        converter: makes a record of an item.

    Returns:
        By staged shard's path, what it holds; a shard without records has no file.
    """
    indices = {}
    threads = ThreadPoolExecutor(os.cpu_count())  # decoding and encoding release the GIL
    with (
        Progress(console=Console(stderr=True), transient=True) as bar,
        contextlib.ExitStack() as ending,
    ):
        # Whoever stops it does not wait for what is not begun.
        ending.callback(threads.shutdown, cancel_futures=True)
        task = bar.add_task("Converting", total=sum(map(len, shards.values())))
        for shard, items in shards.items():
            outcomes = []
            for outcome in threads.map(lambda item: convert_one(item, converter), items):
                outcomes.append(outcome)
                bar.advance(task)
            path = storage.join(folder, shard)
            indices[path] = write_shard(path, outcomes)
    return indices


def convert_one(item: T, converter: Converter[T]) -> Outcome:
    """Convert an item, whose fault is the outcome's.

    Raises:
        Exception: a bucket's errors, which are worth another try; a local disk's are the outcome's.
    """
    try:
        return converter(item)
    except ImageFault as error:
        return Outcome(item.name, fault=str(error))
    except OSError as error:
        return Outcome(item.name, fault=f"cannot be read: {error.strerror or error}")


def write_shard(path: str, outcomes: Iterable[Outcome]) -> ShardIndex:
    """Write the good ones of a shard's outcomes; without any there is no file.

    Written again, it is the same file.

    Args:
        path: the shard's, named by its split and number.
        outcomes: in any order.
    """
    ordered = sorted(outcomes, key=lambda outcome: name_key(outcome.name))
    good = [outcome for outcome in ordered if not outcome.fault]
    if good:
        write_records(path, (row.record for row in good))
    split = path.rsplit("/", 1)[-1].split("-")[0]
    return ShardIndex(
        records=[
            ConvertedRecord(
                **RecordInfo.of(split, row.name, row.breed, row.record).model_dump(),
                changes=row.changes,
                thumbnail=row.thumbnail.hex(),
                pixels=row.pixels.hex(),
            )
            for row in good
        ],
        skipped=[Skipped(name=row.name, reason=row.fault) for row in ordered if row.fault],
    )


def find_duplicates(indices: Iterable[ShardIndex]) -> list[Duplicate]:
    """Find the images to leave out, so that no photo is in two splits, sorted by name.

    These are validation images, or training images where no validation image would be left; and
    calibration images that are in either of the other splits.
    """
    thumbnails: dict[str, dict[str, bytes]] = {"train": {}, "val": {}, "calibration": {}}
    for record in (record for index in indices for record in index.records):
        thumbnails[record.split][record.name] = bytes.fromhex(record.thumbnail)
    train, val = thumbnails["train"], thumbnails["val"]
    copies = find_copies(asked=val, known=train)
    if len(copies) == len(val):
        copies = find_copies(asked=train, known=val)
    copies |= find_copies(asked=thumbnails["calibration"], known=train | val)
    return [Duplicate(name=name, same_as=copies[name]) for name in sorted(copies)]


def find_contradictions(
    indices: Iterable[ShardIndex], class_of: Mapping[str, str]
) -> list[Skipped]:
    """Name the images that are there, pixel by pixel, under another class, too.

    Args:
        indices: of all shards.
        class_of: name of the class by the image's name.
    """
    same: dict[str, list[str]] = defaultdict(list)
    for record in (record for index in indices for record in index.records):
        if record.pixels:
            same[record.pixels].append(record.name)
    found = []
    for names in same.values():
        first = {class_of[name]: name for name in reversed(names)}
        for name in names:
            others = [one for class_name, one in first.items() if class_name != class_of[name]]
            if others:
                reason = f"{others[0]}, of another class, is the same image; keep one of the two"
                found.append(Skipped(name=name, reason=reason))
    return found


def leave_out(names: set[str], path: str, index: ShardIndex) -> ShardIndex:
    """Write a shard again without some of its records; without any left its file is of no use.

    Returns:
        What the shard then holds.
    """
    kept = [record.name not in names for record in index.records]
    if all(kept):
        return index
    write_records(path, list(itertools.compress(read_records(path), kept)))
    records = list(itertools.compress(index.records, kept))
    return ShardIndex(records=records, skipped=index.skipped)
