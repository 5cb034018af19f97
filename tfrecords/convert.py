"""The Beam pipeline that turns pairs of files into staged shards, on any runner.

Every file is read and decoded once: the step that checks a pair also converts it. What it finds
wrong travels on in place of the record, so that one run names every bad file. Workers import
this module by its name; nothing of `__main__` is pickled.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from pydantic import BaseModel

from tfrecords import storage
from tfrecords.dataset import RecordInfo, Skipped
from tfrecords.example import LabelledImage
from tfrecords.images import ImageFault, convert_pair
from tfrecords.listing import Pair, name_key
from tfrecords.shards import write_records

_INDEX_ENDING = ".json"

# A worker's threads share a chunk: decoding and encoding release the GIL.
_CHUNK = 32

# Pairs converted in this process, for a progress bar: the local runner works in this process.
converted = 0
_tally = itertools.count(1)


class Outcome(NamedTuple):
    """A converted pair.

    Attributes:
        name: of the pair.
        breed: of the pair.
        record: the serialized example; empty when the pair is bad.
        fault: what is wrong with the pair; empty when nothing is.
    """

    name: str
    breed: str
    record: bytes
    fault: str


class ShardIndex(BaseModel):
    """What a worker tells of the shard it wrote, beside it, in JSON."""

    records: list[RecordInfo]
    skipped: list[Skipped]


class _Convert(beam.DoFn):
    """Checks and converts pairs of files, on all cores of the worker."""

    def __init__(self, max_side: int):
        self._max_side = max_side

    def setup(self) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def teardown(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def process(self, element: list[tuple[str, Pair]]) -> Iterator[tuple[str, Outcome]]:
        outcomes = self._threads.map(self._convert, [pair for _, pair in element])
        for (shard, _), outcome in zip(element, outcomes, strict=True):
            yield shard, outcome

    def _convert(self, pair: Pair) -> Outcome:
        global converted
        record, fault = b"", ""
        try:
            image, mask = convert_pair(
                storage.read_bytes(pair.image), storage.read_bytes(pair.mask), self._max_side
            )
            example = LabelledImage(pair.name, pair.breed, pair.species, image, mask)
            record = example.serialize()
        except ImageFault as error:
            fault = str(error)
        except OSError as error:  # of the local disk; a bucket's errors are Beam's, to be retried
            fault = f"cannot be read: {error.strerror or error}"
        converted = next(_tally)
        return Outcome(pair.name, pair.breed, record, fault)


class _WriteShard(beam.DoFn):
    """Writes a shard, in an order of names as if at random, with an index beside it.

    Run again after a failure, or twice at once, it writes the same bytes to the same files.
    """

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, element: tuple[str, Iterable[Outcome]]) -> None:
        shard, outcomes = element
        ordered = sorted(outcomes, key=lambda outcome: name_key(outcome.name))
        good = [outcome for outcome in ordered if not outcome.fault]
        split = shard.split("-")[0]
        index = ShardIndex(
            records=[RecordInfo.of(split, row.name, row.breed, row.record) for row in good],
            skipped=[Skipped(name=row.name, reason=row.fault) for row in ordered if row.fault],
        )
        path = storage.join(self._folder, shard)
        if good:
            write_records(path, (row.record for row in good))
        with storage.open_write(path + _INDEX_ENDING) as file:
            file.write(index.model_dump_json().encode())


def convert(
    splits: dict[str, list[Pair]],
    folder: str,
    *,
    num_shards: dict[str, int],
    max_side: int,
    options: PipelineOptions,
) -> dict[str, ShardIndex]:
    """Converts pairs and writes them to `folder`, a shard being held in one worker's memory.

    Args:
        splits: the pairs of every split.
        folder: existing folder, local or remote, within every worker's reach.
        num_shards: the number of shards of every split.
        max_side: long side in pixels above which pairs are reduced.
        options: where and how Beam runs.

    Returns:
        By staged shard's path, what it holds; a shard without records has no file.

    Raises:
        RuntimeError: the runner lost pairs on the way.
    """
    numbered = [
        (f"{split}-{number % num_shards[split]:05d}", pair)
        for split, pairs in splits.items()
        for number, pair in enumerate(sorted(pairs, key=lambda pair: name_key(pair.name)))
    ]
    chunks = [numbered[first : first + _CHUNK] for first in range(0, len(numbered), _CHUNK)]
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | "Pairs" >> beam.Create(chunks)
            # Without it a runner converts everything where the list was made.
            | "Spread" >> beam.Reshuffle()
            | "Convert" >> beam.ParDo(_Convert(max_side))
            | "ByShard" >> beam.GroupByKey()
            | "WriteShard" >> beam.ParDo(_WriteShard(folder))
        )
    indices = {}
    for shard in sorted({shard for shard, _ in numbered}):
        path = storage.join(folder, shard)
        index = ShardIndex.model_validate_json(storage.read_bytes(path + _INDEX_ENDING))
        indices[path] = index
    arrived = sum(len(index.records) + len(index.skipped) for index in indices.values())
    if arrived != len(numbered):
        raise RuntimeError(f"{arrived} of {len(numbered)} pairs arrived in the shards")
    return indices
