"""Makes a version of files: from a folder, or by reference from where they are in S3."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import lakefs_sdk

from stores import writing
from stores.address import LakeFSAddress, S3Address
from stores.digest import digest_file
from stores.errors import StoreError
from stores.lakefs import LakeFS
from stores.manifest import Entry, Manifest, check_entries
from stores.pull import PIECE, Progress
from stores.s3 import S3

_WORKERS = 8
_POLL_SECONDS = 1.0
T = TypeVar("T")
R = TypeVar("R")


def read_folder(folder: Path) -> tuple[Entry, ...]:
    """Digests the files of a folder and of those below it.

    Raises:
        StoreError: it is none, has no files, or some cannot be named so in a store.
    """
    if not folder.is_dir():
        raise StoreError(f"{folder} is no folder; correct the path.")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    with ThreadPoolExecutor(_WORKERS) as threads:
        entries = list(threads.map(lambda path: _entry_of(path, folder), files))
    return check_entries(entries, str(folder))


def _entry_of(path: Path, folder: Path) -> Entry:
    try:
        found = digest_file(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.") from error
    return Entry(
        path=path.relative_to(folder).as_posix(),
        size=found.size,
        etag=found.md5,
        sha256=found.sha256,
    )


def import_to_lakefs(
    store: LakeFS, source: Path, address: LakeFSAddress, message: str, progress: Progress
) -> LakeFSAddress:
    """Make a path of a branch hold what a folder holds, by one merge.

    Until then nothing is seen on the branch. An import that was stopped is gone on with, and one
    that is done changes nothing.

    Args:
        store: where to.
        source: the folder.
        address: its reference is the branch.
        message: of the commits.
        progress: told of every object, with its size in bytes.

    Returns:
        The fixed address of what was imported.
    """
    check_path(address)
    manifest = Manifest(source=str(address), entries=read_folder(source))
    onto = writing.head(store, address)
    run = _run_branch(address, manifest.id)
    if _holds(store, address.at(onto), manifest):
        writing.drop_branch(store, run)
        return address.at(onto)
    writing.create_branch(store, run, onto)
    there = {found.path: found for found in store.list_objects(run)}
    wanted = {run.prefix + entry.path: entry for entry in manifest.entries}
    _delete(store, run, [path for path in there if path not in wanted])

    def upload(path: str) -> None:
        entry, found = wanted[path], there.get(path)
        if not found or (found.size_bytes, found.checksum) != (entry.size, entry.etag):
            with (source / entry.path).open("rb") as file:
                store.upload(run, path, file)
        progress(entry.size)

    _in_parallel(upload, wanted)
    return _finish(store, address, run, manifest, message, str(source.name))


def import_by_reference(
    store: LakeFS,
    source: S3Address,
    address: LakeFSAddress,
    message: str,
    progress: Progress,
) -> LakeFSAddress:
    """Make a path of a branch hold what is below a prefix in S3, without copying it there.

    Every object is read once, for its SHA-256, by which a change of it is noticed: lakeFS does not
    keep what it does not own from being overwritten.

    Args:
        store: where to; the server itself must be able to read the bucket.
        source: the prefix.
        address: its reference is the branch.
        message: of the commits.
        progress: told of every object, with its size in bytes.

    Returns:
        The fixed address of what was imported.
    """
    check_path(address)
    onto = writing.head(store, address)
    run = _run_branch(address, str(source))
    writing.create_branch(store, run, onto)
    reset = lakefs_sdk.ResetCreation(type="reset")
    branches = store.api.branches_api
    store.ask(f"reset {run.ref}", branches.reset_branch, run.repository, run.ref, reset)
    note_objects(store, source, run, message)
    listed = [
        Entry(path=found.path[len(run.prefix) :], size=found.size_bytes, etag=found.checksum)
        for found in store.list_objects(run)
    ]
    noted = store.noted(address.at(onto))

    def digest(entry: Entry) -> Entry:
        known = noted.get((entry.path, entry.size, entry.etag)) or _digested(store, run, entry)
        progress(entry.size)
        return known

    entries = _in_parallel(digest, check_entries(listed, str(source)))
    manifest = Manifest(source=str(address), entries=tuple(entries))
    return _finish(store, address, run, manifest, message, str(source))


def import_to_s3(store: S3, source: Path, address: S3Address, progress: Progress) -> None:
    """Make a prefix hold what a folder holds; what is right there is not written again.

    It becomes a version by its manifest, which a pull of the prefix makes.
    """
    entries = {entry.path: entry for entry in read_folder(source)}
    try:
        there = {entry.path: entry for entry in store.entries(address, versioned=False)}
    except StoreError as error:
        if error.status is not None:
            raise
        there = {}  # nothing yet

    def upload(path: str) -> None:
        entry, found = entries[path], there.get(path)
        if not found or (found.size, found.etag) != (entry.size, entry.etag):
            store.upload(address, path, source / path)
        progress(entry.size)

    _in_parallel(upload, entries)
    for path in there.keys() - entries.keys():
        store.delete(address, path)


def check_path(address: LakeFSAddress) -> None:
    """Refuse to replace all that a repository holds.

    Raises:
        StoreError: the address has no path.
    """
    if not address.path:
        raise StoreError(
            f"{address} names no path, and an import would replace all of the repository; write "
            f"{address}/data/images, or another path."
        )


def _run_branch(address: LakeFSAddress, what: str) -> LakeFSAddress:
    """Return a branch for this import alone, by which the next one finds what is done of it."""
    digest = hashlib.sha256(f"{address}\0{what}".encode()).hexdigest()
    return address.at(f"import-{digest[:16]}")


def _holds(store: LakeFS, address: LakeFSAddress, manifest: Manifest) -> bool:
    there = {
        (found.path, found.size_bytes, found.checksum) for found in store.list_objects(address)
    }
    wanted = {(address.prefix + entry.path, entry.size, entry.etag) for entry in manifest.entries}
    noted = store.noted(address)
    return there == wanted and len(noted) == len(wanted)


def _delete(store: LakeFS, run: LakeFSAddress, paths: list[str]) -> None:
    for begin in range(0, len(paths), 1000):
        asked = lakefs_sdk.PathList(paths=paths[begin : begin + 1000])
        objects = store.api.objects_api
        store.ask(f"clean {run}", objects.delete_objects, run.repository, run.ref, asked)


def note_objects(store: LakeFS, source: S3Address, run: LakeFSAddress, message: str) -> None:
    """Commit what is below a prefix to a branch, as the service does it: nothing is read.

    Args:
        store: where to; the server itself must be able to list the bucket.
        source: the prefix.
        run: its reference is the branch, whose path is made to hold the objects.
        message: of the commit.

    Raises:
        StoreError: the server cannot list it, or there is nothing.
    """
    location = lakefs_sdk.ImportLocation(
        type="common_prefix", path=f"{source}/", destination=run.prefix
    )
    asked = lakefs_sdk.ImportCreation(
        paths=[location], commit=lakefs_sdk.CommitCreation(message=message)
    )
    imports, what = store.api.import_api, f"import {source}"
    begun = store.ask(what, imports.import_start, run.repository, run.ref, asked)
    while True:
        status = store.ask(what, imports.import_status, run.repository, run.ref, begun.id)
        if status.error:
            raise StoreError(
                f"lakeFS could not import {source}: {status.error.message}; its server must be "
                "able to list and read the bucket, and there must be objects below the prefix."
            )
        if status.completed:
            return
        time.sleep(_POLL_SECONDS)


def _digested(store: LakeFS, run: LakeFSAddress, entry: Entry) -> Entry:
    sha256 = hashlib.sha256()
    for start in range(0, entry.size, PIECE):
        sha256.update(store.read(run, entry, start, min(PIECE, entry.size - start)))
    return entry.model_copy(update={"sha256": sha256.hexdigest()})


def _finish(
    store: LakeFS,
    address: LakeFSAddress,
    run: LakeFSAddress,
    manifest: Manifest,
    message: str,
    source: str,
) -> LakeFSAddress:
    store.upload(run, address.manifest_path, io.BytesIO(manifest.to_bytes()))
    metadata = {"source": source, "objects": str(len(manifest.entries)), "digest": manifest.id}
    writing.commit(store, run, message, metadata)
    merged = writing.merge(store, run, address.ref, message, metadata)
    commit = merged or writing.head(store, address)
    writing.drop_branch(store, run)
    return address.at(commit)


def _in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    threads = ThreadPoolExecutor(_WORKERS)
    try:
        return list(threads.map(function, items))
    finally:
        threads.shutdown(cancel_futures=True)
