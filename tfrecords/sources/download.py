"""Fetches files of known content, resuming what was broken off."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
from tqdm import tqdm

from tfrecords import storage
from tfrecords.errors import DataError, storage_fault
from tfrecords.staging import locked


@dataclasses.dataclass(frozen=True)
class Archive:
    """A file to fetch.

    Attributes:
        name: file name below the base URL.
        md5: its MD5 in hex.
    """

    name: str
    md5: str


_ATTEMPTS = 6
_LONGEST_WAIT = 60.0  # seconds
_CHUNK = 1 << 16  # bytes, which a broken connection loses at most
_TIMEOUT = (10, 60)  # seconds to connect, and without a byte


@contextlib.contextmanager
def download_folder(folder: str) -> Iterator[Path]:
    """Make a folder to download to, in which no other process is at work.

    Raises:
        DataError: it is a bucket's, another process is at work in it, or it cannot be written.
    """
    if storage.is_remote(folder):
        raise DataError(f"Cannot download to {folder}; choose a folder on this machine.")
    try:
        os.makedirs(folder, exist_ok=True)
        with locked(folder):
            yield Path(folder)
    except OSError as error:
        raise storage_fault(error, folder) or error from error


def fetch(archive: Archive, folder: Path, base_url: str, first_wait: float = 1.0) -> Path:
    """Download a file, unless it is there.

    It is downloaded to a name that ends in `.part`, and renamed once its checksum is right.

    Args:
        archive: what to fetch.
        folder: existing local folder that will hold it.
        base_url: where the archive is.
        first_wait: seconds before the second attempt; it doubles with each further one.

    Returns:
        The file's path.

    Raises:
        DataError: the server does not answer as expected, or the checksum is wrong.
        OSError: the folder cannot be written.
    """
    path = folder / archive.name
    part = path.with_name(path.name + ".part")
    if path.exists() and _md5(path) == archive.md5:
        part.unlink(missing_ok=True)  # a copy from elsewhere came before the rest of it
        return path
    url = f"{base_url.rstrip('/')}/{archive.name}"
    wait = first_wait
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _attempt(url, path, part)
            break
        except requests.RequestException as error:
            if attempt == _ATTEMPTS:
                raise DataError(
                    f"Cannot download {url}: {error} (after {attempt} attempts); "
                    f"run again to resume where it stopped, or put a copy at {path}."
                ) from error
            time.sleep(min(_LONGEST_WAIT, max(wait, _retry_after(error.response))))
            wait *= 2
    found = _md5(part)
    if found != archive.md5:
        part.unlink()
        raise DataError(
            f"{url} has the MD5 {found}; expected {archive.md5}: the file was changed or damaged "
            "on its way and has been deleted; run again."
        )
    os.replace(part, path)
    return path


def _attempt(url: str, path: Path, part: Path) -> None:
    """Download what is still missing.

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
            raise DataError(
                f"Cannot download {url}: HTTP {status}; look for the file's new place, and put a "
                f"copy at {path}."
            )
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
    """Return the seconds to wait by Retry-After, which holds them or a date; 0 without it."""
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
