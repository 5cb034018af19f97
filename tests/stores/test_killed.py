"""An import or a pull that is killed at any request: the next one ends as if it had not been."""

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stores.address import LakeFSAddress
from stores.imports import import_to_lakefs
from stores.lakefs import LakeFS
from stores.versions import pull
from tests.emulators import lakefs as lakefs_emulator
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import REPOSITORY, read, write

FEW = {"images/a.png": b"a" * 1000, "masks/a.png": b"a"}
ADDRESS = LakeFSAddress(REPOSITORY, "main", "data")


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    """Starts processes from one that has imported the clients before."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.stores.conftest"])
    yield context


def importing(endpoint: str, folder: Path) -> str:
    """What the process of an import does; returns the commit."""
    store = LakeFS(endpoint, lakefs_emulator.ACCESS_KEY, lakefs_emulator.SECRET_KEY)
    return import_to_lakefs(store, folder, ADDRESS, "Import", lambda size: None).ref


def pulling(endpoint: str, folder: Path) -> Path:
    """What the process of a pull does; returns the folder."""
    store = LakeFS(endpoint, lakefs_emulator.ACCESS_KEY, lakefs_emulator.SECRET_KEY)
    return pull(store, ADDRESS, folder, lambda text: None).folder


def killed(
    context: Any, lakefs: LakeFSEmulator, moment: Any, number: int, work: Callable, *given: object
) -> None:
    """Lets a process work and kills it at a request."""
    fault = lakefs.fault(moment, at=number)
    process = context.Process(target=work, args=(lakefs.endpoint, *given))
    process.start()
    assert fault.reached.wait(120), f"there was no request {number}"
    process.kill()
    process.join()


def test_an_import_killed_at_every_request_in_turn(
    context: Any, tmp_path: Path, s3: S3Server, lakefs: LakeFSEmulator, store: LakeFS
) -> None:
    folder = write(tmp_path / "files", FEW)
    before = tmp_path / "before"
    shutil.copytree(tmp_path / "lakefs", before)

    def again(name: str) -> LakeFSEmulator:
        return LakeFSEmulator(Path(shutil.copytree(before, tmp_path / name)), s3)

    with again("undisturbed") as undisturbed:
        importing(undisturbed.endpoint, folder)
        requests = len(undisturbed.requests)
        expected = undisturbed.content(REPOSITORY)
    assert requests > 8
    for moment, number in [("stall_before", 1), *(("stall_after", n + 1) for n in range(requests))]:
        with again(f"{number}-{moment}") as emulator:
            killed(context, emulator, moment, number, importing, folder)
            # Main holds all or nothing.
            assert emulator.content(REPOSITORY) in ({}, expected)
            importing(emulator.endpoint, folder)
            assert emulator.content(REPOSITORY) == expected, f"killed at {number}, {moment}"
            assert list(emulator.branches(REPOSITORY)) == ["main"]


def test_a_pull_killed_at_every_request_in_turn(
    context: Any, tmp_path: Path, lakefs: LakeFSEmulator, store: LakeFS
) -> None:
    importing(lakefs.endpoint, write(tmp_path / "files", FEW))
    before = len(lakefs.requests)
    expected = pulling(lakefs.endpoint, tmp_path / "undisturbed")
    requests = len(lakefs.requests) - before
    assert requests > 5
    for number in range(1, requests + 1):
        folder = tmp_path / f"{number}"
        killed(context, lakefs, "stall_after", number, pulling, folder)
        assert not (folder / expected.name).exists()
        assert read(pulling(lakefs.endpoint, folder)) == FEW == read(expected)
