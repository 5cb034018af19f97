"""Fetches the official Oxford-IIIT Pet archives, resuming what was broken off."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import tarfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from tqdm import tqdm

from tfrecords.errors import DataError, storage_fault

SOURCE = "Oxford-IIIT Pet, https://www.robots.ox.ac.uk/~vgg/data/pets/"
LICENCE = "CC BY-SA 4.0; the images' copyright remains with their owners"
HUB_DATASET = "timm/oxford-iiit-pet"  # the same photos
BASE_URL = "https://thor.robots.ox.ac.uk/pets"


@dataclasses.dataclass(frozen=True)
class Archive:
    """A file to fetch.

    Attributes:
        name: file name below the base URL.
        md5: its MD5 in hex.
    """

    name: str
    md5: str


# Checksums as torchvision states them in torchvision/datasets/oxford_iiit_pet.py.
ARCHIVES = (
    Archive("images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
    Archive("annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
)
_ATTEMPTS = 6
_LONGEST_WAIT = 60.0  # seconds
_CHUNK = 1 << 16  # bytes, which a broken connection loses at most
_TIMEOUT = (10, 60)  # seconds to connect, and without a byte


@dataclasses.dataclass(frozen=True)
class RawPets:
    """Where the extracted files are."""

    images: str
    trimaps: str
    train_list: str
    val_list: str


def fetch_pets(
    folder: str,
    *,
    base_url: str = BASE_URL,
    archives: tuple[Archive, ...] = ARCHIVES,
    first_wait: float = 1.0,
) -> RawPets:
    """Downloads and extracts the archives; what is there already is not fetched again.

    Args:
        folder: local folder for the archives and what they hold.
        base_url: where the archives are.
        archives: what to fetch.
        first_wait: seconds before the second attempt; it doubles with each further one.

    Raises:
        DataError: the server does not answer as expected, an archive's checksum is wrong, or the
            folder cannot be written.
    """
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for archive in archives:
            done = root / f".{archive.name}.{archive.md5}.extracted"
            if done.exists():
                continue
            path = root / archive.name
            if not (path.exists() and _md5(path) == archive.md5):
                _fetch(f"{base_url.rstrip('/')}/{archive.name}", path, archive.md5, first_wait)
            with tarfile.open(path) as tar:
                # The filter refuses members that would leave the folder.
                tar.extractall(root, filter="data")
            done.touch()
    except tarfile.TarError as error:
        raise DataError(f"{path} cannot be extracted: {error}; delete it and run again.") from error
    except OSError as error:
        raise storage_fault(error, folder) or error from error
    return RawPets(
        images=str(root / "images"),
        trimaps=str(root / "annotations" / "trimaps"),
        train_list=str(root / "annotations" / "trainval.txt"),
        val_list=str(root / "annotations" / "test.txt"),
    )


def _fetch(url: str, path: Path, md5: str, first_wait: float) -> None:
    """Downloads to `<path>.part` and renames it once its checksum is right."""
    part = path.with_name(path.name + ".part")
    wait = first_wait
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _attempt(url, part)
            break
        except requests.RequestException as error:
            if attempt == _ATTEMPTS:
                raise DataError(
                    f"Cannot download {url}: {error} (after {attempt} attempts); "
                    "run again to resume where it stopped."
                ) from error
            time.sleep(min(_LONGEST_WAIT, max(wait, _retry_after(error.response))))
            wait *= 2
    found = _md5(part)
    if found != md5:
        part.unlink()
        raise DataError(
            f"{url} has the MD5 {found}; expected {md5}: the file was changed or damaged on its "
            "way and has been deleted; run again."
        )
    os.replace(part, path)


def _attempt(url: str, part: Path) -> None:
    """Downloads what is still missing.

    Raises:
        requests.RequestException: asking again may help.
        DataError: the server refuses the file for good.
    """
    start = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    # Unpacked on the way the bytes would match neither the length nor the checksum.
    headers["Accept-Encoding"] = "identity"
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        status = response.status_code
        if status == 416:  # nothing is missing, or the part is of another file
            if response.headers.get("Content-Range") == f"bytes */{start}":
                return
            part.unlink()
        if status in (416, 429) or status >= 500:
            raise requests.HTTPError(f"HTTP {status}", response=response)
        if not response.ok:
            raise DataError(f"Cannot download {url}: HTTP {status}; look for the file's new place.")
        resumed = status == 206
        start = start if resumed else 0
        total = start + int(response.headers.get("Content-Length", 0))
        with (
            open(part, "ab" if resumed else "wb") as file,
            tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=part.stem) as bar,
        ):
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        if part.stat().st_size < total:
            raise requests.ConnectionError(f"{part.stat().st_size} of {total} bytes arrived")


def _retry_after(response: requests.Response | None) -> float:
    """Returns the seconds to wait by Retry-After, which holds them or a date; 0 without it."""
    value = response.headers.get("Retry-After", "") if response is not None else ""
    try:
        if value.isdigit():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
