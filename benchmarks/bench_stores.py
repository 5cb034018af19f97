"""How fast a version of data comes, beside a plain parallel copy of the same objects.

The version is resolved, listed, copied, checked by its digests and kept, so that it is whole or not
there. The peer lists the same objects and writes each, by the same client library and as many
threads, and checks nothing. Small objects are the hard case: of large ones most of the time is the
network's. S3 is a real server on this machine; lakeFS is the tests' emulator, in a process of its
own, to which the objects are made known where they are.
"""

import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import lakefs_sdk
import s3fs
from rich.console import Console
from rich.progress import track

from benchmarks.report import Figure, figure
from stores.address import LakeFSAddress, S3Address
from stores.imports import note_objects
from stores.lakefs import LakeFS
from stores.pull import WORKERS
from stores.s3 import S3
from stores.versions import pull
from tests.emulators import lakefs, s3

_OBJECTS, _BYTES = 10_000, 8_000
_FOLDERS = 100
_NAME = "benchmark"  # of the bucket, and of the repository
_S3, _LAKEFS = S3Address(_NAME, "data"), LakeFSAddress(_NAME, "main", "data")

Copy = Callable[[Path], object]  # is given a folder that is not there


def run(rounds: int) -> list[Figure]:
    """Pull from each store, in turn with its peer.

    Args:
        rounds: how often each is measured.

    Returns:
        Objects per second and this process' CPU seconds, of S3 and of lakeFS.
    """
    with tempfile.TemporaryDirectory() as name, _stores(Path(name)) as (server, in_lakefs):
        keys = (server.endpoint, s3.ACCESS_KEY, s3.SECRET_KEY)
        in_s3, files = S3(*keys), _files(*keys)
        pairs: dict[str, tuple[Copy, Copy, str]] = {
            "S3": (
                lambda folder: pull(in_s3, _S3, folder, _ignore),
                lambda folder: _copy_from_s3(files, folder),
                "s3fs: find, and get_file in threads",
            ),
            "lakeFS": (
                lambda folder: pull(in_lakefs, _LAKEFS, folder, _ignore),
                lambda folder: _copy_from_lakefs(in_lakefs, folder),
                "lakefs_sdk: list_objects, and get_object in threads",
            ),
        }
        taken: dict[str, tuple[list[Used], list[Used]]] = {what: ([], []) for what in pairs}
        for turn in track(range(rounds), "stores", console=Console(stderr=True)):
            for what, (*copies, _) in pairs.items():
                for side, copy in enumerate(copies):
                    folder = Path(name, f"{what}-{turn}-{side}")
                    taken[what][side].append(_measure(copy, folder))
    found = []
    for what, sides in taken.items():
        name = f"Pull from {what}, {_OBJECTS:,} objects of {_BYTES / 1000:.0f} kB"
        ours, peer = ([_OBJECTS / used.seconds for used in side] for side in sides)
        found.append(figure(name, "objects/s", ours, peer, pairs[what][-1]))
        ours, peer = ([used.cpu_seconds for used in side] for side in sides)
        found.append(figure(f"{name}, processor time", "CPU s", ours, peer, pairs[what][-1]))
    return found


class Used(NamedTuple):
    """What a copy took.

    Attributes:
        seconds: of the clock.
        cpu_seconds: of this process, without those of the servers.
    """

    seconds: float
    cpu_seconds: float


def _measure(copy: Copy, folder: Path) -> Used:
    """Copy, and count what came.

    Raises:
        RuntimeError: some objects are missing.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    copy(folder)
    used = Used(time.perf_counter() - began, time.process_time() - cpu_began)
    if (found := len(list(folder.rglob("*.jpg")))) != _OBJECTS:
        raise RuntimeError(f"Of {_OBJECTS} objects {found} came to {folder}.")
    return used


def _ignore(text: str) -> None:
    """Take what a pull tells a user."""


def _files(endpoint: str, access_key: str, secret_key: str) -> s3fs.S3FileSystem:
    """Return the client as one makes it, with a connection for each thread."""
    return s3fs.S3FileSystem(
        key=access_key,
        secret=secret_key,
        endpoint_url=endpoint,
        config_kwargs={"max_pool_connections": WORKERS},
    )


def _copy_from_s3(files: s3fs.S3FileSystem, folder: Path) -> None:
    def copy(key: str) -> None:
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        files.get_file(key, str(target))

    _in_threads(copy, files.find(str(_S3).removeprefix("s3://")))


def _copy_from_lakefs(store: LakeFS, folder: Path) -> None:
    def copy(path: str) -> None:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.api.objects_api.get_object(_NAME, _LAKEFS.ref, path))

    _in_threads(copy, [found.path for found in store.list_objects(_LAKEFS)])


def _in_threads(copy: Callable[[str], None], names: list[str]) -> None:
    with ThreadPoolExecutor(WORKERS) as threads:
        list(threads.map(copy, names))


@contextmanager
def _stores(folder: Path) -> Iterator[tuple[s3.S3Server, LakeFS]]:
    """Start both, with the objects in them."""
    with s3.S3Server(folder / "s3") as server:
        server.make_bucket(_NAME)
        with ThreadPoolExecutor(WORKERS) as threads:
            list(threads.map(lambda number: _put(server, number), range(_OBJECTS)))
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(folder / "lakefs", server.endpoint, there))
        process.start()
        there.close()  # so that the end of either process is seen by the other
        try:
            in_lakefs = LakeFS(here.recv(), lakefs.ACCESS_KEY, lakefs.SECRET_KEY)
            _import(in_lakefs)
            yield server, in_lakefs
        finally:
            here.close()
            process.join()


def _put(server: s3.S3Server, number: int) -> None:
    key = f"{_S3.key}/{number % _FOLDERS:02d}/{number:05d}.jpg"
    server.put(_NAME, key, os.urandom(_BYTES))


def _serve(folder: Path, endpoint: str, pipe: Connection) -> None:
    """Serve lakeFS until the other end of a pipe is closed."""
    with lakefs.LakeFSEmulator(folder, s3.S3Client(endpoint)) as emulator:
        pipe.send(emulator.endpoint)
        with suppress(EOFError):
            pipe.recv()


def _import(store: LakeFS) -> None:
    """Make the objects known to lakeFS, where they are."""
    namespace = f"s3://{_NAME}/{_NAME}"
    asked = lakefs_sdk.RepositoryCreation(name=_NAME, storage_namespace=namespace)
    store.api.repositories_api.create_repository(asked)
    note_objects(store, _S3, _LAKEFS, "Objects")
