"""Tells whether a set of shards is there already, so that it need not be made again."""

from __future__ import annotations

from typing import Any

from tfrecords import storage
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.shards import verify_shards


def find_set(folder: str, **expected: Any) -> DatasetInfo | None:
    """Return the description of the set that a folder holds, if it is the expected one, whole.

    Args:
        folder: local or remote folder.
        **expected: what fields of the description hold, such as `parameters`.
    """
    try:
        info = read_info(folder)
        if any(getattr(info, field) != value for field, value in expected.items()):
            return None
        for split in info.shards:
            verify_shards(storage.join(storage.escape(folder), f"{split}-*"))
    except DataError:
        return None
    return info
