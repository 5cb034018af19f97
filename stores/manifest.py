"""What a version holds: an entry for each object, with what it is recognised by."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from stores.address import find_fault
from stores.errors import StoreError

_MD5 = re.compile(r"[0-9a-f]{32}")
_NAMED = 3


class Entry(BaseModel):
    """An object.

    Attributes:
        path: below the version's path.
        size: bytes.
        etag: the service's checksum: MD5, in hex, of what was not uploaded in parts.
        version: id of the object's version, in a bucket that keeps versions.
        sha256: in hex; empty where nobody has read the object yet.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int
    etag: str
    version: str | None = None
    sha256: str = ""

    @property
    def md5(self) -> str:
        """The MD5 that the service's checksum is; empty where it is another one."""
        return self.etag if _MD5.fullmatch(self.etag) else ""


class Manifest(BaseModel):
    """What a version holds.

    Attributes:
        source: address, as it was before it was resolved.
        entries: sorted by path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    entries: tuple[Entry, ...]

    def to_bytes(self) -> bytes:
        """Return the manifest as a file; equal ones give equal bytes."""
        return self.model_dump_json(indent=1, exclude_defaults=True).encode() + b"\n"

    @property
    def id(self) -> str:
        """SHA-256 of the file, in hex."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(entry.size for entry in self.entries)


def read_manifest(content: bytes, place: str) -> Manifest:
    """Read a manifest's file.

    Raises:
        StoreError: it is none, or names paths that cannot be.
    """
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise StoreError(
            f"{place} is no manifest of data ({error.error_count()} faults): make it again."
        ) from None
    return Manifest(source=manifest.source, entries=check_entries(manifest.entries, place))


def check_entries(entries: Iterable[Entry], place: str) -> tuple[Entry, ...]:
    """Return entries by path, if all can be files below one folder, on any file system.

    Folders' markers, which are empty and end in a slash, are left out.

    Raises:
        StoreError: there are none, or some cannot be.
    """
    kept = sorted(
        (entry for entry in entries if not (entry.path.endswith("/") and entry.size == 0)),
        key=lambda entry: entry.path,
    )
    if not kept:
        raise StoreError(f"There is nothing below {place}; correct the path, or put data there.")
    faults = [f"{entry.path!r} {fault}" for entry in kept if (fault := find_fault(entry.path))]
    folders = {
        "/".join(parts[:depth]).casefold()
        for entry in kept
        for parts in [entry.path.split("/")]
        for depth in range(1, len(parts))
    }
    same = Counter(entry.path.casefold() for entry in kept)
    for entry in kept:
        if same[entry.path.casefold()] > 1:
            faults.append(f"{entry.path!r} is another object's path but for upper and lower case")
        elif entry.path.casefold() in folders:
            faults.append(f"{entry.path!r} is a folder as well")
    if faults:
        more = f" and {len(faults) - _NAMED} more" if len(faults) > _NAMED else ""
        raise StoreError(
            f"What is below {place} cannot lie in a folder: {'; '.join(faults[:_NAMED])}{more}. "
            "Rename these objects."
        )
    return tuple(kept)
