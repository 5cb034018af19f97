"""The same conversion as a Beam pipeline, for runners whose workers are other machines.

Workers import this module by its name; nothing of `__main__` is pickled.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from tfrecords import storage
from tfrecords.convert import Converter, Outcome, ShardIndex, T, convert_one, write_shard

_INDEX_ENDING = ".json"

# A worker's threads share a chunk.
_CHUNK = 32


class _Convert(beam.DoFn):
    """Checks and converts items, on all cores of the worker."""

    def __init__(self, converter: Converter[Any]):
        self._converter = converter

    def setup(self) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count())

    def teardown(self) -> None:
        self._threads.shutdown(cancel_futures=True)

    def process(self, element: list[tuple[str, Any]]) -> Iterator[tuple[str, Outcome]]:
        outcomes = self._threads.map(
            lambda item: convert_one(item, self._converter), [item for _, item in element]
        )
        for (shard, _), outcome in zip(element, outcomes, strict=True):
            yield shard, outcome


class _WriteShard(beam.DoFn):
    """Writes a shard with an index beside it.

    Run again after a failure, or twice at once, it writes the same bytes to the same files.
    """

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, element: tuple[str, Iterable[Outcome]]) -> None:
        shard, outcomes = element
        path = storage.join(self._folder, shard)
        index = write_shard(path, outcomes)
        with storage.open_write(path + _INDEX_ENDING) as file:
            file.write(index.model_dump_json().encode())


def convert_on_beam(
    shards: Mapping[str, list[T]],
    folder: str,
    converter: Converter[T],
    options: PipelineOptions,
) -> dict[str, ShardIndex]:
    """Do what `tfrecords.convert.convert` does, a shard being held in one worker's memory.

    Args:
        shards: likewise.
        folder: existing folder within every worker's reach.
        converter: likewise, a function or object that can be pickled, as can the items.
        options: where and how Beam runs.

    Raises:
        RuntimeError: the runner lost items on the way.
    """
    numbered = [(shard, item) for shard, items in shards.items() for item in items]
    chunks = [numbered[first : first + _CHUNK] for first in range(0, len(numbered), _CHUNK)]
    with beam.Pipeline(options=options) as pipeline:
        _ = (
            pipeline
            | "Items" >> beam.Create(chunks)
            # Without it a runner converts everything where the list was made.
            | "Spread" >> beam.Reshuffle()
            | "Convert" >> beam.ParDo(_Convert(converter))
            | "ByShard" >> beam.GroupByKey()
            | "WriteShard" >> beam.ParDo(_WriteShard(folder))
        )
    indices = {}
    for path in (storage.join(folder, shard) for shard in shards):
        indices[path] = ShardIndex.model_validate_json(storage.read_bytes(path + _INDEX_ENDING))
    arrived = sum(len(index.records) + len(index.skipped) for index in indices.values())
    if arrived != len(numbered):
        raise RuntimeError(f"{arrived} of {len(numbered)} items arrived in the shards")
    return indices
