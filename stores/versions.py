"""A version of data: resolved once, copied into a folder once, and known again by its address."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from stores.address import Address, LakeFSAddress, S3Address, parse
from stores.errors import StoreError
from stores.manifest import Entry, Manifest, read_manifest
from stores.pull import Progress, Read, fetch, in_words, locked, publish

if TYPE_CHECKING:  # a copy that is there is found without the clients
    from stores.lakefs import LakeFS
    from stores.s3 import S3

Say = Callable[[str], None]


@dataclass(frozen=True)
class Version:
    """A version that is on this machine.

    Attributes:
        address: fixed: the version's id.
        folder: its objects.
        entries: what is in it.
    """

    address: Address
    folder: Path
    entries: tuple[Entry, ...]

    @property
    def digest(self) -> str:
        """SHA-256, in hex, over paths and content: equal where two versions hold the same."""
        total = hashlib.sha256()
        for entry in self.entries:
            total.update(f"{entry.path}\0{entry.sha256}\n".encode())
        return total.hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(entry.size for entry in self.entries)


def pull(
    store: LakeFS | S3,
    address: Address,
    folder: Path,
    say: Say,
    progress: Progress = lambda size: None,
) -> Version:
    """Resolve an address and bring what it means into a folder.

    What is there is not copied again. A copy that was stopped goes on; its folder appears when it
    is whole. Of several at once one copies, and the others wait for it.

    Args:
        store: where it is.
        address: fixed or not.
        folder: of all versions.
        say: told what a user should know.
        progress: told of every piece that comes, with its size in bytes.

    Raises:
        StoreError: it cannot be resolved, read or written, or is not what it was.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not address.fixed and isinstance(address, S3Address):
            return _pull_prefix(cast("S3", store), address, folder, say, progress)
        if not address.fixed:
            address = cast("LakeFS", store).resolve(cast("LakeFSAddress", address))
        return _pull_fixed(store, address, folder, say, progress)
    except OSError as error:
        raise in_words(error, folder) from error


def find(address: Address, folder: Path) -> Version | None:
    """Find the copy of a fixed address, without asking a store.

    Raises:
        StoreError: files of it were changed on this machine.
    """
    place = folder / address.folder_name
    record = _record_of(place)
    if not (place.is_dir() and record.exists()):
        return None
    try:
        told = json.loads(record.read_text())
        kept, written = json.dumps(told["manifest"]).encode(), dict(told["written"])
    except (ValueError, LookupError, TypeError):
        raise StoreError(
            f"{record} is not what was noted of version {address}; remove it and {place}, and the "
            "version is copied again."
        ) from None
    manifest = read_manifest(kept, str(record))
    for entry in manifest.entries:
        if written.get(entry.path) != _stamp(place / entry.path):
            raise StoreError(
                f"{place / entry.path} was changed since version {address} was copied here; remove "
                f"{place}, and the version is copied again."
            )
    return Version(address, place, manifest.entries)


def _pull_fixed(
    store: LakeFS | S3, address: Address, folder: Path, say: Say, progress: Progress
) -> Version:
    name = address.folder_name
    with locked(folder, name, lambda: say(f"Another process copies {address}; waiting for it.")):
        if found := find(address, folder):
            return found
        if isinstance(address, LakeFSAddress):
            lakefs = cast("LakeFS", store)
            manifest = Manifest(source=str(address), entries=lakefs.entries(address))
            read: Read = functools.partial(lakefs.read, address)
        else:
            s3 = cast("S3", store)
            manifest = s3.read_manifest(address)
            read = functools.partial(s3.read, _prefix_of(manifest, address))
        entries = manifest.entries
        _announce(say, address, entries)
        whole, entries = fetch(read, entries, folder, name, progress)
        return _keep(address, Manifest(source=manifest.source, entries=entries), whole, folder)


def _pull_prefix(
    store: S3, address: S3Address, folder: Path, say: Say, progress: Progress
) -> Version:
    """Make a version of what is below a prefix now: who digests it has read it, and keeps it."""
    versioned = store.is_versioned(address.bucket)
    if not versioned:
        say(
            f"The bucket {address.bucket} keeps no versions: what is overwritten in it cannot be "
            "had again, which a pull of the old version will notice and cannot mend."
        )
    entries = store.entries(address, versioned)
    listing = Manifest(source=str(address), entries=entries).id
    name = f"{address.bucket}-{listing[:24]}"
    with locked(folder, name, lambda: say(f"Another process copies {address}; waiting for it.")):
        seen = folder / ".partial" / f"{name}.resolved"
        if seen.exists():
            fixed = address.manifest(seen.read_text())
            if found := find(fixed, folder):
                return found
        _announce(say, address, entries)
        read = functools.partial(store.read, address)
        whole, entries = fetch(read, entries, folder, name, progress)
        manifest = Manifest(source=str(address), entries=entries)
        fixed = store.write_manifest(address, manifest)
        version = find(fixed, folder)
        if version is None:
            version = _keep(fixed, manifest, whole, folder)
        else:  # it was copied before by another listing, such as of other times
            shutil.rmtree(whole.parent)
        _write(seen, manifest.id)
        return version


def _prefix_of(manifest: Manifest, address: S3Address) -> S3Address:
    place = parse(manifest.source)
    if not isinstance(place, S3Address) or place.bucket != address.bucket:
        raise StoreError(f"The manifest {address} is of {place}, which is not in its bucket.")
    return place


def _announce(say: Say, address: Address, entries: tuple[Entry, ...]) -> None:
    size = sum(entry.size for entry in entries) / 1e6
    say(f"Copying {len(entries)} objects, {size:.1f} MB, of {address}.")


def _keep(address: Address, manifest: Manifest, whole: Path, folder: Path) -> Version:
    """Let a whole copy appear, with what is known of it beside it."""
    place = folder / address.folder_name
    if place.exists():
        raise StoreError(f"{place} is in the way of version {address}; remove it.")
    told: dict[str, Any] = {
        "address": str(address),
        "manifest": json.loads(manifest.to_bytes()),
        "written": {entry.path: _stamp(whole / entry.path) for entry in manifest.entries},
    }
    _write(_record_of(place), json.dumps(told, indent=1))
    publish(whole, place)
    return Version(address, place, manifest.entries)


def _record_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.json")


def _stamp(path: Path) -> list[int] | None:
    """By what a file is seen to be as it was written."""
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
