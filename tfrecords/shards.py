"""TFRecord shards: writing, reading, and telling a damaged one from a whole one.

A record is framed as uint64 length, uint32 masked CRC32C of the length, the payload, and
uint32 masked CRC32C of the payload, all little endian
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import google_crc32c

from tfrecords import storage
from tfrecords.errors import DataError, listed

if TYPE_CHECKING:
    import tensorflow as tf

_HEADER = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_SHARD_NAME = re.compile(r"^(?P<prefix>.+)-(?P<index>\d{5})-of-(?P<total>\d{5})\b.*$")


def shard_name(split: str, index: int, total: int) -> str:
    """Return a shard's file name, such as `train-00000-of-00004.tfrecord`."""
    return f"{split}-{index:05d}-of-{total:05d}.tfrecord"


def write_records(path: str, records: Iterable[bytes]) -> None:
    """Write one shard.

    Args:
        path: the file, local or remote; an existing one is replaced.
        records: serialized examples, in the order they are to be read.
    """
    with storage.open_write(path) as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _CRC.pack(_masked_crc(length)))
            file.write(record)
            file.write(_CRC.pack(_masked_crc(record)))


def record_size(record: bytes) -> int:
    """Tell how many bytes of a shard a record takes."""
    return _HEADER.size + len(record) + _CRC.size


def read_records(path: str, start: int = 0) -> Iterator[bytes]:
    """Read a shard's records in order and check both checksums of each.

    Args:
        path: the file, local or remote.
        start: where in it the first record begins, in bytes.

    Raises:
        DataError: the shard is truncated or damaged.
    """
    with storage.open_read(path) as file:
        file.seek(start)
        number = 0
        while (length := _read_header(file, path, number)) is not None:
            payload = file.read(length)
            footer = file.read(_CRC.size)
            if len(payload) < length or len(footer) < _CRC.size:
                raise DataError(_truncated(path, number))
            if footer != _CRC.pack(_masked_crc(payload)):
                raise DataError(f"{path} is damaged: the checksum of record {number} is wrong.")
            yield payload
            number += 1


def verify_shards(pattern: str) -> int:
    """Check that the shards a pattern matches are all there, whole and not empty.

    A local shard is walked along its framing, which seeks over the payloads and so costs
    milliseconds per thousand records; of a remote one the size alone is looked at.

    Args:
        pattern: a glob such as `data/pets/train-*` or `gs://bucket/pets/*.tfrecord`.

    Returns:
        The number of records in the local shards; 0 when all shards are remote.

    Raises:
        DataError: nothing matches, a shard of a numbered set is missing, two numberings are
            mixed, or shards are empty or damaged; each bad shard is named.
    """
    found = storage.glob(pattern)
    if not found:
        raise DataError(
            f"No file matches {pattern}; expected TFRecord shards such as "
            f"{shard_name('train', 0, 4)}: write them first or correct the pattern."
        )
    faults = _numbering_faults(list(found))
    total = 0
    for path, size in found.items():
        try:
            total += _count_records(path, size)
        except DataError as error:
            faults.append(str(error))
    if faults:
        raise DataError(
            listed(f"The data set {pattern} is not whole; write it again, because:", faults)
        )
    return total


def first_example(pattern: str) -> tf.train.Example:
    """Read the first record of the first shard that a pattern matches.

    Raises:
        DataError: nothing matches, or the record cannot be read or is no tf.train.Example.
    """
    import tensorflow as tf

    for path in storage.glob(pattern):
        for record in read_records(path):
            try:
                example = tf.train.Example.FromString(record)
            except Exception as error:  # protobuf's DecodeError differs between its backends
                raise DataError(f"The first record of {path} is not a tf.train.Example.") from error
            if not example.features.feature:
                raise DataError(f"The first record of {path} holds no feature.")
            return example
    raise DataError(f"No record found in {pattern}; write the data set first.")


def _count_records(path: str, size: int) -> int:
    if size == 0:
        raise DataError(f"{path} is empty.")
    if storage.is_remote(path):
        return 0
    with storage.open_read(path) as file:
        number = 0
        while (length := _read_header(file, path, number)) is not None:
            if file.tell() + length + _CRC.size > size:
                raise DataError(_truncated(path, number))
            file.seek(length + _CRC.size, 1)
            number += 1
    return number


def _read_header(file: IO[bytes], path: str, number: int) -> int | None:
    """Return the next payload's length in bytes, None at the end of the file."""
    header = file.read(_HEADER.size)
    if not header:
        return None
    if len(header) < _HEADER.size:
        raise DataError(_truncated(path, number))
    length, crc = _HEADER.unpack(header)
    if crc != _masked_crc(header[:8]):
        raise DataError(f"{path} is no TFRecord file or is damaged at record {number}.")
    return int(length)


def _truncated(path: str, number: int) -> str:
    return f"{path} is truncated: it ends within record {number}."


def _numbering_faults(paths: list[str]) -> list[str]:
    numbered: dict[str, dict[int, set[int]]] = {}
    for path in paths:
        if match := _SHARD_NAME.match(PurePosixPath(path).name):
            prefix = path[: len(path) - len(match[0])] + match["prefix"]
            indices = numbered.setdefault(prefix, {}).setdefault(int(match["total"]), set())
            indices.add(int(match["index"]))
    faults = []
    for prefix, totals in numbered.items():
        if len(totals) > 1:
            sizes = " and ".join(str(total) for total in sorted(totals))
            faults.append(f"{prefix}-* mixes sets of {sizes} shards.")
            continue
        [(total, present)] = totals.items()
        if missing := sorted(set(range(total)) - present):
            names = ", ".join(f"{index:05d}" for index in missing)
            faults.append(f"{prefix}-* lacks shard {names} of {total}.")
    return faults


def _masked_crc(data: bytes) -> int:
    crc = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
