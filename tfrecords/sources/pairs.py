"""Makes a record of a photo and its mask."""

from __future__ import annotations

from tfrecords import storage
from tfrecords.convert import Outcome
from tfrecords.example import LabelledImage
from tfrecords.images import MaskReader, convert_pair
from tfrecords.sources.listing import Pair


def convert_files(pair: Pair, max_side: int, read_mask: MaskReader) -> Outcome:
    """Read, check and convert a pair of files.

    Args:
        pair: a photo and its mask.
        max_side: long side in pixels above which both are reduced.
        read_mask: makes class ids of the mask.

    Raises:
        ImageFault: the files cannot be used.
        OSError: they cannot be read.
    """
    image, mask, changes, thumbnail = convert_pair(
        storage.read_bytes(pair.image), storage.read_bytes(pair.mask), max_side, read_mask
    )
    record = LabelledImage(pair.name, pair.breed, pair.species, image, mask).serialize()
    return Outcome(pair.name, record, breed=pair.breed, changes=changes, thumbnail=thumbnail)
