"""Fetches and reads the official batches of CIFAR-10, which are pickles of Python 2."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from PIL import Image

from tfrecords import storage
from tfrecords.convert import Outcome
from tfrecords.copies import pixel_digest, thumbnail
from tfrecords.errors import DataError
from tfrecords.example import ClassifiedImage
from tfrecords.images import encode
from tfrecords.restricted_pickle import PickleFault
from tfrecords.sources.array_pickle import read_array, read_pickle
from tfrecords.sources.download import Archive, download_folder, fetch
from tfrecords.storage import Files, Place

SOURCE = "CIFAR-10, https://www.cs.toronto.edu/~kriz/cifar.html"
LICENCE = (
    "none stated; cite Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"
)
HUB_DATASET = "uoft-cs/cifar10"  # the same images
BASE_URL = "https://www.cs.toronto.edu/~kriz"
ARCHIVE = Archive("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a")
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SIDE = 32  # pixels
_COUNTS = {"train": 50_000, "val": 10_000}  # of all batches
_FOLDER = "cifar-10-batches-py"  # in the archive
_BATCHES = {"train": [f"data_batch_{number}" for number in range(1, 6)], "val": ["test_batch"]}
_LARGEST = 100_000_000  # bytes; the official batches have 31 million
_CURE = "fetch the official batches by --download"


@dataclasses.dataclass(frozen=True)
class BatchImage:
    """An image of a batch.

    Attributes:
        name: the batch's, and the image's number in it.
        label: class id.
        pixels: uint8 [3 * SIDE * SIDE], all of red, then of green, then of blue.
    """

    name: str
    label: int
    pixels: npt.NDArray[np.uint8]

    @property
    def class_name(self) -> str:
        """Name of its class."""
        return CLASS_NAMES[self.label]


def fetch_batches(
    folder: str, *, base_url: str = BASE_URL, archive: Archive = ARCHIVE, first_wait: float = 1.0
) -> str:
    """Download the archive of the batches; one that is there already is not fetched again.

    Args:
        folder: local folder for the archive.
        base_url: where the archive is.
        archive: what to fetch.
        first_wait: seconds before the second attempt; it doubles with each further one.

    Returns:
        The archive's path.

    Raises:
        DataError: the server does not answer as expected, the archive's checksum is wrong, or the
            folder cannot be written or is being written by another process.
    """
    with download_folder(folder) as root:
        return str(fetch(archive, root, base_url, first_wait))


def find_batches(folder: str) -> Files:
    """Find the batches in a folder, or in their own folder below it."""
    inner = storage.join(folder, _FOLDER)
    root = inner if storage.files_in(inner) else folder
    paths = {name: storage.join(root, name) for names in _BATCHES.values() for name in names}
    places = {name: Place(path) for name, path in paths.items() if storage.exists(path)}
    return Files(places, set())


def read_batches(source: str, files: Files) -> dict[str, list[BatchImage]]:
    """Read the five batches that train, and the one that tests, which here is `val`.

    Args:
        source: a folder or an archive of the batches, or of their folder.
        files: what is in it.

    Raises:
        DataError: batches are missing, cannot be read, or hold something else.
    """
    places = {path.removeprefix(f"{_FOLDER}/"): place for path, place in files.places.items()}
    names = [name for names in _BATCHES.values() for name in names]
    if missing := [name for name in names if name not in places]:
        raise DataError(f"{source} lacks {', '.join(missing)} of CIFAR-10; {_CURE}.")
    return {
        split: [image for name in names for image in _read_batch(source, name, places[name])]
        for split, names in _BATCHES.items()
    }


def tell_missing(counts: Mapping[str, int]) -> str:
    """Say that batches hold fewer images than the official ones, or more; empty if they do not.

    Args:
        counts: images of each split; those for calibration are of the training batches, too.
    """
    found = {"train": sum(counts.values()) - counts["val"], "val": counts["val"]}
    if found == _COUNTS:
        return ""
    return (
        f"These are {found['train']:,} training and {found['val']:,} test images; CIFAR-10 has "
        f"{_COUNTS['train']:,} and {_COUNTS['val']:,}, so figures do not compare with published "
        f"ones: {_CURE}."
    )


def convert_image(image: BatchImage) -> Outcome:
    """Make a record of an image, as PNG, which loses nothing."""
    shown = Image.fromarray(image.pixels.reshape(3, SIDE, SIDE).transpose(1, 2, 0))
    record = ClassifiedImage(image.name, encode(shown, "PNG"), image.label).serialize()
    return Outcome(image.name, record, thumbnail=thumbnail(shown), pixels=pixel_digest(shown))


def _read_batch(source: str, name: str, place: Place) -> list[BatchImage]:
    path = storage.join(source, name)
    size = _LARGEST + 1 if place.size < 0 else min(place.size, _LARGEST + 1)
    content = storage.read_bytes(place.path, place.start, size)
    if len(content) > _LARGEST:
        raise DataError(f"{path} is too large for a batch of CIFAR-10; {_CURE}.")
    try:
        batch = read_pickle(content)
    except PickleFault as fault:
        raise DataError(f"{path} {fault}; {_CURE}.") from None
    values = batch if isinstance(batch, dict) else {}
    pixels, labels = read_array(values.get(b"data")), values.get(b"labels")
    if pixels is None or not isinstance(labels, list):
        raise DataError(f"{path} has no data and labels, so it is no batch of CIFAR-10; {_CURE}.")
    expected = (len(labels), 3 * SIDE * SIDE)
    if pixels.shape != expected or not labels:
        raise DataError(
            f"{path} holds data of the shape {pixels.shape} for {len(labels)} labels; expected "
            f"images of {3 * SIDE * SIDE} values, and a label of each: {_CURE}."
        )
    for number, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(CLASS_NAMES):
            raise DataError(
                f"{path} has the label {label!r} of image {number}; expected 0 to "
                f"{len(CLASS_NAMES) - 1}: {_CURE}."
            )
    return [
        BatchImage(f"{name}/{number:04d}", label, row)
        for number, (label, row) in enumerate(zip(labels, pixels, strict=True))
    ]
