"""Folders of drawn photos and trimaps, and what the data tools' tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem

from tests.warm.commands import python
from tfrecords import synthetic
from tfrecords.shards import read_records

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def drawn_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 photos of four breeds with their trimaps, in images/ and trimaps/; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn")
    synthetic.write_files(str(folder), count=24, seed=3)
    return folder


@pytest.fixture
def raw(drawn_files: Path, tmp_path: Path) -> Path:
    """A copy of the drawn files that a test may spoil."""
    shutil.copytree(drawn_files, tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture
def run_module() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `python -m MODULE ARGUMENTS...` from the repository root to its end.

    With `largest_file` in KiB the kernel refuses to write beyond that.
    """

    def run(
        module: str, *arguments: object, largest_file: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        limit = "unlimited" if largest_file is None else str(largest_file)
        program = python() if largest_file is None else sys.executable
        command = [program, "-m", module, *map(str, arguments)]
        limited = ["bash", "-c", f'ulimit -f {limit}; exec "$@"', "bash", *command]
        return subprocess.run(
            limited, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def records_in() -> Callable[[Path], dict[str, list[bytes]]]:
    """Reads a folder's serialized examples by split, in the shards' order."""

    def read(folder: Path) -> dict[str, list[bytes]]:
        return {
            split: [
                record
                for path in sorted(folder.glob(f"{split}-*.tfrecord"))
                for record in read_records(str(path))
            ]
            for split in ("train", "val", "calibration")
            if split != "calibration" or any(folder.glob("calibration-*"))
        }

    return read


@pytest.fixture
def hidden() -> Callable[[Path], list[str]]:
    """Names what a stopped writer may leave behind in a folder, the lock file aside."""

    def names(folder: Path) -> list[str]:
        return sorted(name for name in os.listdir(folder) if name[0] == "." and name != ".lock")

    return names


class BucketFileSystem(LocalFileSystem):
    """A file system of Beam's whose paths have a scheme, as those of a bucket have.

    `bucket:///a/b` is the local file /a/b; Beam finds the class by its scheme.
    """

    @classmethod
    def scheme(cls) -> str:
        return "bucket"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        super().mkdirs(_local(path))

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for item in super()._list(_local(dir_or_prefix)):
            yield FileMetadata(
                f"bucket://{item.path}", item.size_in_bytes, item.last_updated_in_seconds
            )

    def create(self, path: str, *args: Any, **options: Any) -> Any:
        return super().create(_local(path), *args, **options)

    def open(self, path: str, *args: Any, **options: Any) -> Any:
        return super().open(_local(path), *args, **options)

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        super().rename([*map(_local, source_file_names)], [*map(_local, destination_file_names)])

    def exists(self, path: str) -> bool:
        return super().exists(_local(path))

    def delete(self, paths: list[str]) -> None:
        for path in map(_local, paths):
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def _local(path: str) -> str:
    return path.removeprefix("bucket://")
