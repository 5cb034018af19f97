"""Takes photos out of shards, for people to try a model on."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from tfrecords import storage
from tfrecords.dataset import SPLIT_PATTERNS
from tfrecords.example import read_image
from tfrecords.shards import read_records

_MOST = 6
_PNG = b"\x89PNG"


def write_photos(data_root: str, folder: Path) -> int:
    """Write some photos of the validation split as files, in the place of what is there.

    Args:
        data_root: folder of shards.
        folder: local folder that will hold `1.jpg`, `2.png`, ...

    Returns:
        How many were written: none where the data are not on this machine or cannot be read, or
        the folder cannot be written.
    """
    if storage.is_remote(data_root) or storage.is_remote(str(folder)):
        return 0
    pattern = storage.join(storage.escape(data_root), SPLIT_PATTERNS["eval"])
    try:
        records = itertools.chain.from_iterable(map(read_records, storage.glob(pattern)))
        photos = [read_image(record) for record in itertools.islice(records, _MOST)]
        if photos:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        for number, photo in enumerate(photos, 1):
            ending = "png" if photo.startswith(_PNG) else "jpg"
            (folder / f"{number}.{ending}").write_bytes(photo)
    except (ValueError, OSError):
        return 0
    return len(photos)
