"""A repository and a bucket with data in them, and what tests do with them."""

from collections.abc import Callable
from pathlib import Path

import lakefs_sdk
import pytest

from stores.address import LakeFSAddress, S3Address
from stores.lakefs import LakeFS
from stores.s3 import S3
from tests.emulators import lakefs as lakefs_emulator
from tests.emulators import s3 as s3_server

REPOSITORY = "image-data"
FILES = {
    "images/a.png": b"a" * 1000,
    "images/b.png": b"bb",
    "masks/a.png": b"",
    "note.txt": b"note",
}


@pytest.fixture
def store(lakefs: lakefs_emulator.LakeFSEmulator, s3_bucket: str) -> LakeFS:
    """A client, with one repository."""
    store = connect(lakefs)
    store.api.repositories_api.create_repository(
        lakefs_sdk.RepositoryCreation(
            name=REPOSITORY, storage_namespace=f"s3://{s3_bucket}/{REPOSITORY}"
        )
    )
    return store


def connect(lakefs: lakefs_emulator.LakeFSEmulator, **keywords: float) -> LakeFS:
    keys = (lakefs_emulator.ACCESS_KEY, lakefs_emulator.SECRET_KEY)
    return LakeFS(lakefs.endpoint, *keys, **keywords)


@pytest.fixture
def s3_store(s3: s3_server.S3Server) -> S3:
    return S3(s3.endpoint, s3_server.ACCESS_KEY, s3_server.SECRET_KEY)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of files."""
    return write(tmp_path / "files", FILES)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def data() -> LakeFSAddress:
    return LakeFSAddress(REPOSITORY, "main", "data")


@pytest.fixture
def put(store: LakeFS) -> Callable[..., None]:
    """Writes objects of the branch main and commits them, as other tools do."""

    def write_all(files: dict[str, bytes], commit: bool = True, branch: str = "main") -> None:
        address = LakeFSAddress(REPOSITORY, branch, "data")
        for path, content in files.items():
            store.upload(address, address.prefix + path, content)
        if commit:
            asked = lakefs_sdk.CommitCreation(message="Files")
            store.api.commits_api.commit(REPOSITORY, branch, asked)

    return write_all


@pytest.fixture
def prefix(s3: s3_server.S3Server, s3_bucket: str) -> S3Address:
    """A prefix with the files below it."""
    for name, content in FILES.items():
        s3.put(s3_bucket, f"data/{name}", content)
    return S3Address(s3_bucket, "data")
