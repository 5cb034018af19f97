"""The description of a data set, `dataset.json`, which is written last and so marks it whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from tfrecords import storage
from tfrecords.errors import DataError
from tfrecords.example import CLASS_NAMES
from tfrecords.naming import show

INFO_FILE = "dataset.json"
# Shards by the pipeline's name of their split.
SPLIT_PATTERNS = {"train": "train-*.tfrecord", "eval": "val-*.tfrecord"}
# Of data for a recipe that asks for a split which neither trains nor judges.
CALIBRATION_PATTERN = {"calibration": "calibration-*.tfrecord"}


class Skipped(BaseModel):
    """A file that was left out."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, AfterValidator(show)]
    reason: Annotated[str, AfterValidator(show)]


class Duplicate(BaseModel):
    """An image that shows the same photo as one of the other split."""

    model_config = ConfigDict(frozen=True)

    name: str
    same_as: str


class RecordInfo(BaseModel):
    """What `dataset.json` sums up of one record.

    Attributes:
        split: "train", "val" or "calibration".
        name: the image's name.
        breed: the image's breed; empty where images have classes instead.
        digest: SHA-256 of the serialized example, in hex.
        size: bytes of the serialized example.
    """

    model_config = ConfigDict(frozen=True)

    split: str
    name: str
    breed: str
    digest: str
    size: int

    @classmethod
    def of(cls, split: str, name: str, breed: str, record: bytes) -> RecordInfo:
        """Describe a serialized example."""
        digest = hashlib.sha256(record).hexdigest()
        return cls(split=split, name=name, breed=breed, digest=digest, size=len(record))


class ConvertedRecord(RecordInfo):
    """What a converter notes of a record besides.

    Attributes:
        changes: what was done to the photo, as `tfrecords.images.Converted` has it.
        thumbnail: likewise, in hex.
        pixels: SHA-256 of the photo's pixels, in hex; empty where nobody asks which are equal.
    """

    changes: tuple[str, ...]
    thumbnail: str
    pixels: str = ""


class DatasetInfo(BaseModel):
    """What a folder of shards holds.

    Attributes:
        source: where the images come from.
        licence: under which terms they may be used.
        hub_dataset: the data set's name on the Hugging Face Hub, if it is there.
        class_names: names of the classes 0, 1, 2, ..., of a mask's pixels or of images.
        max_side: long side in pixels above which images were reduced.
        parameters: everything else that decided the content, by name.
        shards: number of shards per split.
        counts: number of images per split.
        breeds: number of images per split and breed.
        classes: number of images per split and class; empty where masks tell the classes.
        record_bytes: sum of the serialized examples' sizes in bytes.
        skipped: the files left out, with the reason.
        duplicates: the validation images whose photos train as well, by other names, or the
            training images, where all validation images are such, and the calibration images that
            do either; they were left out, unless the parameter keep_duplicates is true.
        passed_over: number of files that are of no concern, by their ending or by why: "hidden",
            "no ending", "in no list".
        changed: number of images whose pixels are not as their files hold them, by what was done.
        digest: SHA-256 over every record, in hex; it depends on the content alone, not on
            time, machine or the records' order and distribution over shards.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    licence: str
    hub_dataset: str | None = None
    class_names: tuple[str, ...] = CLASS_NAMES
    max_side: int
    parameters: dict[str, Any]
    shards: dict[str, int]
    counts: dict[str, int]
    breeds: dict[str, dict[str, int]]
    classes: dict[str, dict[str, int]] = {}
    record_bytes: int
    skipped: tuple[Skipped, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    passed_over: dict[str, int] = {}
    changed: dict[str, int] = {}
    digest: str


def count_records(records: Iterable[RecordInfo]) -> dict[str, Any]:
    """Sum records up to the fields `counts`, `breeds`, `record_bytes`, `digest` of DatasetInfo."""
    ordered = sorted(records, key=lambda record: (record.split, record.name))
    breeds: dict[str, Counter[str]] = {}
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    for record in ordered:
        counts[record.split] += 1
        breed = breeds.setdefault(record.split, Counter())
        if record.breed:
            breed[record.breed] += 1
        digest.update(f"{record.split}\0{record.name}\0{record.digest}\n".encode())
    return {
        "counts": dict(counts),
        "breeds": {split: dict(sorted(counter.items())) for split, counter in breeds.items()},
        "record_bytes": sum(record.size for record in ordered),
        "digest": digest.hexdigest(),
    }


def read_info(folder: str) -> DatasetInfo:
    """Read a folder's `dataset.json`.

    Raises:
        DataError: the file is not there, or cannot be read or understood.
    """
    path = storage.join(folder, INFO_FILE)
    if not storage.exists(path):
        raise DataError(f"{path} is missing, so {folder} holds no whole data set; write it again.")
    try:
        return DatasetInfo.model_validate_json(storage.read_bytes(path))
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror or error}; mend its permissions, or write the "
            "data set again."
        ) from error
    except ValidationError as error:
        raise DataError(
            f"{path} is not a description of a data set ({error.error_count()} faults); "
            "write the data set again."
        ) from error


def write_info(folder: str, info: DatasetInfo) -> None:
    """Write `dataset.json`; equal descriptions give equal bytes."""
    with storage.open_write(storage.join(folder, INFO_FILE)) as file:
        file.write(info.model_dump_json(indent=2).encode() + b"\n")
