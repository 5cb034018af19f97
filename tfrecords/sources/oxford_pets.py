"""Fetches the official Oxford-IIIT Pet archives, and makes a set of shards of them."""

from __future__ import annotations

import dataclasses
import tarfile
from pathlib import Path
from typing import Any

import rich.progress
from rich.console import Console

from tfrecords.build import Options
from tfrecords.create_tfrecords_pets import create_tfrecords
from tfrecords.dataset import DatasetInfo, read_info
from tfrecords.errors import DataError
from tfrecords.existing import find_set
from tfrecords.sources.download import Archive, download_folder, fetch

SOURCE = "Oxford-IIIT Pet, https://www.robots.ox.ac.uk/~vgg/data/pets/"
LICENCE = "CC BY-SA 4.0; the images' copyright remains with their owners"
HUB_DATASET = "timm/oxford-iiit-pet"  # the same photos
BASE_URL = "https://thor.robots.ox.ac.uk/pets"


# Checksums as torchvision states them in torchvision/datasets/oxford_iiit_pet.py.
ARCHIVES = (
    Archive("images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
    Archive("annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
)


@dataclasses.dataclass(frozen=True)
class RawPets:
    """Where the extracted files are, and what they were extracted from."""

    archives: tuple[Archive, ...]
    images: str
    trimaps: str
    train_list: str
    val_list: str


def find_official_set(
    output: str, options: Options, archives: tuple[Archive, ...] = ARCHIVES
) -> DatasetInfo | None:
    """Return the description of the official set that a folder holds as it would be made now.

    Args:
        output: local or remote folder.
        options: how the set would be written.
        archives: what it would be made of.

    Raises:
        DataError: the folder holds a set of other images.
    """
    parameters = {**_generator(archives), "keep_duplicates": options.keep_duplicates}
    shards = {split: options.count_shards(split) for split in ("train", "val")}
    held = find_set(output, parameters=parameters, shards=shards, max_side=options.max_side)
    if held and (options.skip_invalid or not held.skipped):
        return held
    try:
        source = read_info(output).source
    except DataError:  # there is no set, or none that anybody could use
        return None
    if source != SOURCE:
        raise DataError(
            f"{output} holds other images ({source}), which a download does not replace; move them "
            "away, or choose another output folder."
        )
    return None


def fetch_pets(
    folder: str,
    *,
    base_url: str = BASE_URL,
    archives: tuple[Archive, ...] = ARCHIVES,
    first_wait: float = 1.0,
) -> RawPets:
    """Download and extracts the archives; what is there already is not fetched again.

    Args:
        folder: local folder for the archives and what they hold.
        base_url: where the archives are.
        archives: what to fetch.
        first_wait: seconds before the second attempt; it doubles with each further one.

    Raises:
        DataError: the server does not answer as expected, an archive's checksum is wrong, or the
            folder cannot be written or is being written by another process.
    """
    with download_folder(folder) as root:
        for archive in archives:
            done = root / f".{archive.name}.{archive.md5}.extracted"
            if not (done.exists() and (root / archive.name.partition(".")[0]).is_dir()):
                _extract(fetch(archive, root, base_url, first_wait), root)
                done.touch()
    return RawPets(
        archives=archives,
        images=str(root / "images"),
        trimaps=str(root / "annotations" / "trimaps"),
        train_list=str(root / "annotations" / "trainval.txt"),
        val_list=str(root / "annotations" / "test.txt"),
    )


def convert_raw(
    raw: RawPets,
    output: str,
    options: Options,
    *,
    train_list: str | None = None,
    val_list: str | None = None,
) -> DatasetInfo:
    """Convert what was fetched.

    Without lists the split is the data set's own: the photos of its trainval.txt train, those of
    its test.txt validate, which judges.

    Args:
        raw: the extracted files.
        output: folder that will hold the shards and `dataset.json`.
        options: how the set is written.
        train_list: file that names the training images, with `val_list` or not at all.
        val_list: file that names the validation images.

    Returns:
        The description of the published set.

    Raises:
        DataError: as `create_tfrecords`.
    """
    generator = _generator(raw.archives)
    if train_list or val_list:
        del generator["split"]
    else:
        train_list, val_list = raw.train_list, raw.val_list
    return create_tfrecords(
        raw.images,
        raw.trimaps,
        output,
        train_list=train_list,
        val_list=val_list,
        source=SOURCE,
        licence=LICENCE,
        hub_dataset=HUB_DATASET,
        generator=generator,
        **options._asdict(),
    )


def _generator(archives: tuple[Archive, ...]) -> dict[str, Any]:
    """Return what decides the official set, beside the options."""
    return {
        "generator": "tfrecords.create_tfrecords_pets",
        "archives": {archive.name: archive.md5 for archive in archives},
        "split": "official",
    }


def _extract(path: Path, root: Path) -> None:
    """Unpacks an archive over what an earlier, interrupted extraction left."""
    opened = rich.progress.open(
        path, "rb", description="Extracting", transient=True, console=Console(stderr=True)
    )
    try:
        with opened as packed, tarfile.open(fileobj=packed) as tar:
            for member in tar:
                # `tarfile` itself refuses such members from Python 3.11.4 on.
                target = (root / member.name).resolve()
                if not target.is_relative_to(root.resolve()):
                    raise tarfile.ExtractError(f"{member.name} is outside the destination")
                if not (member.isfile() or member.isdir()):
                    raise tarfile.ExtractError(f"{member.name} is a link or device")
                tar.extract(member, root, set_attrs=False)
    except tarfile.TarError as error:
        raise DataError(f"{path} cannot be extracted: {error}; delete it and run again.") from error
