"""Turns pairs of files into staged shards, on all cores of this machine.

Every file is read and decoded once: the step that checks a pair also converts it. What it finds
wrong travels on in place of the record, so that one run names every bad file.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pydantic import BaseModel
from rich.console import Console
from rich.progress import Progress

from tfrecords import storage
from tfrecords.copies import find_copies
from tfrecords.dataset import ConvertedRecord, Duplicate, RecordInfo, Skipped
from tfrecords.example import LabelledImage
from tfrecords.images import ImageFault, MaskReader, convert_pair
from tfrecords.listing import Pair, name_key
from tfrecords.shards import read_records, write_records


class Outcome(NamedTuple):
    """A converted pair.

    Attributes:
        name: of the pair.
        breed: of the pair.
        record: the serialized example; empty when the pair is bad.
        fault: what is wrong with the pair; empty when nothing is.
        changes: what was done to the photo, as `Converted` has it.
        thumbnail: likewise.
    """

    name: str
    breed: str
    record: bytes
    fault: str
    changes: tuple[str, ...] = ()
    thumbnail: bytes = b""


class ShardIndex(BaseModel):
    """What a shard holds, and what was left out of it."""

    records: list[ConvertedRecord]
    skipped: list[Skipped]


def deal(splits: dict[str, list[Pair]], num_shards: dict[str, int]) -> dict[str, list[Pair]]:
    """Deals the pairs of every split to its shards in turn, in an order of names as if at random.

    Args:
        splits: the pairs of every split.
        num_shards: the number of shards of every split, at most that of its pairs.

    Returns:
        The pairs of every staged shard, by its name, in the order in which it is to hold them.
    """
    dealt = {}
    for split, pairs in splits.items():
        ordered = sorted(pairs, key=lambda pair: name_key(pair.name))
        for shard in range(num_shards[split]):
            dealt[f"{split}-{shard:05d}"] = ordered[shard :: num_shards[split]]
    return dealt


def convert(
    shards: dict[str, list[Pair]], folder: str, max_side: int, read_mask: MaskReader
) -> dict[str, ShardIndex]:
    """Converts pairs and writes them to `folder`, a shard at a time being held in memory.

    Args:
        shards: as `deal` gives them.
        folder: existing folder, local or remote.
        max_side: long side in pixels above which pairs are reduced.
        read_mask: makes class ids of a mask.

    Returns:
        By staged shard's path, what it holds; a shard without records has no file.
    """
    indices = {}
    work = functools.partial(convert_one, max_side=max_side, read_mask=read_mask)
    threads = ThreadPoolExecutor(os.cpu_count())  # decoding and encoding release the GIL
    with (
        Progress(console=Console(stderr=True), transient=True) as bar,
        contextlib.ExitStack() as ending,
    ):
        # Whoever stops it does not wait for what is not begun.
        ending.callback(threads.shutdown, cancel_futures=True)
        task = bar.add_task("Converting", total=sum(map(len, shards.values())))
        for shard, pairs in shards.items():
            outcomes = []
            for outcome in threads.map(work, pairs):
                outcomes.append(outcome)
                bar.advance(task)
            path = storage.join(folder, shard)
            indices[path] = write_shard(path, outcomes)
    return indices


def convert_one(pair: Pair, max_side: int, read_mask: MaskReader) -> Outcome:
    """Checks and converts a pair of files.

    Raises:
        Exception: a bucket's errors, which are worth another try; a local disk's are the outcome's.
    """
    try:
        image, mask, changes, thumbnail = convert_pair(
            storage.read_bytes(pair.image), storage.read_bytes(pair.mask), max_side, read_mask
        )
    except ImageFault as error:
        return Outcome(pair.name, pair.breed, b"", str(error))
    except OSError as error:
        return Outcome(pair.name, pair.breed, b"", f"cannot be read: {error.strerror or error}")
    record = LabelledImage(pair.name, pair.breed, pair.species, image, mask).serialize()
    return Outcome(pair.name, pair.breed, record, "", changes, thumbnail)


def write_shard(path: str, outcomes: Iterable[Outcome]) -> ShardIndex:
    """Writes the good ones of a shard's outcomes; without any there is no file.

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
            )
            for row in good
        ],
        skipped=[Skipped(name=row.name, reason=row.fault) for row in ordered if row.fault],
    )


def find_duplicates(indices: Iterable[ShardIndex]) -> list[Duplicate]:
    """Finds the images to leave out, lest a photo train and validate, sorted by name.

    These are validation images, or training images where no validation image would be left.
    """
    thumbnails: dict[str, dict[str, bytes]] = {"train": {}, "val": {}}
    for record in (record for index in indices for record in index.records):
        thumbnails[record.split][record.name] = bytes.fromhex(record.thumbnail)
    train, val = thumbnails["train"], thumbnails["val"]
    copies = find_copies(asked=val, known=train)
    if len(copies) == len(val):
        copies = find_copies(asked=train, known=val)
    return [Duplicate(name=name, same_as=copies[name]) for name in sorted(copies)]


def leave_out(names: set[str], path: str, index: ShardIndex) -> ShardIndex:
    """Writes a shard again without some of its records; without any left its file is of no use.

    Returns:
        What the shard then holds.
    """
    kept = [record.name not in names for record in index.records]
    if all(kept):
        return index
    write_records(path, list(itertools.compress(read_records(path), kept)))
    records = list(itertools.compress(index.records, kept))
    return ShardIndex(records=records, skipped=index.skipped)
