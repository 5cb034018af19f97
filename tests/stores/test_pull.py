"""A version becomes a folder: from lakeFS and from S3, once, checked, and again without a byte."""

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stores import pull as pulling
from stores.address import LakeFSAddress, S3Address
from stores.errors import StoreError
from stores.imports import import_to_lakefs
from stores.lakefs import LakeFS
from stores.s3 import S3
from stores.versions import Version, find, pull
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import FILES, read


class Heard:
    """What a pull said, and the bytes that came."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.bytes = 0

    def progress(self, size: int) -> None:
        self.bytes += size


def pulled(
    store: LakeFS | S3, address: LakeFSAddress | S3Address, folder: Path
) -> tuple[Version, Heard]:
    heard = Heard()
    return pull(store, address, folder, heard.said.append, heard.progress), heard


def change_staged(lakefs: LakeFSEmulator, path: str, **fields: object) -> None:
    """Describes an object otherwise than it is, as other tools may have."""
    with lakefs.store.changing():
        _, entry = lakefs.store.staged_one("image-data", "main", path)
        lakefs.store.stage("image-data", "main", path, {**(entry or {}), **fields})


def test_a_branch_of_lakefs(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
) -> None:
    put(FILES)
    version, heard = pulled(store, data, tmp_path / "versions")
    assert version.address == data.at(lakefs.branches("image-data")["main"])
    assert read(version.folder) == FILES
    assert heard.bytes == version.size == sum(map(len, FILES.values()))
    # Whoever goes on writing to the branch changes nothing of the version.
    put({"images/a.png": b"new"})
    before = len(lakefs.requests)
    again, heard = pulled(store, version.address, tmp_path / "versions")
    assert (again, heard.bytes, heard.said) == (version, 0, [])
    assert len(lakefs.requests) == before
    elsewhere, _ = pulled(store, version.address, tmp_path / "elsewhere")
    assert (read(elsewhere.folder), elsewhere.digest) == (FILES, version.digest)


@pytest.mark.parametrize("versioned", [False, True])
def test_a_prefix_of_s3(
    s3: S3Server, s3_store: S3, prefix: S3Address, tmp_path: Path, versioned: bool
) -> None:
    if versioned:
        s3.client.put_bucket_versioning(
            Bucket=prefix.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        for name, content in FILES.items():
            s3.put(prefix.bucket, f"data/{name}", content)
    version, heard = pulled(s3_store, prefix, tmp_path / "versions")
    assert version.address.fixed and str(version.address).startswith(
        f"s3://{prefix.bucket}/.manifests/"
    )
    assert read(version.folder) == FILES
    assert any("keeps no versions" in said for said in heard.said) != versioned
    again, heard = pulled(s3_store, prefix, tmp_path / "versions")
    assert (again, heard.bytes) == (version, 0)
    s3.put(prefix.bucket, "data/images/a.png", b"overwritten")
    if versioned:
        elsewhere, _ = pulled(s3_store, version.address, tmp_path / "elsewhere")
        assert read(elsewhere.folder) == FILES
    else:
        with pytest.raises(
            StoreError, match="a.png .*PreconditionFailed.*changed under its version"
        ):
            pulled(s3_store, version.address, tmp_path / "elsewhere")
    newer, _ = pulled(s3_store, prefix, tmp_path / "versions")
    assert newer.address != version.address
    assert read(newer.folder)["images/a.png"] == b"overwritten"


@pytest.mark.parametrize("size", ["same size", "other size"])
def test_an_object_that_is_changed_under_its_version(
    store: LakeFS,
    files: Path,
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
    s3: S3Server,
    size: str,
) -> None:
    fixed = import_to_lakefs(store, files, data, "Import", lambda size: None)
    bucket, _, key = (
        lakefs.entries("image-data")["data/images/a.png"]["address"]
        .removeprefix("s3://")
        .partition("/")
    )
    s3.put(bucket, key, b"x" * (1000 if size == "same size" else 7))
    for _ in range(2):  # every time
        with pytest.raises(StoreError, match="a.png is not what it was when the version was made"):
            pulled(store, fixed, tmp_path / "versions")
    assert not (tmp_path / "versions" / fixed.folder_name).exists()
    s3.put(bucket, key, FILES["images/a.png"])
    assert read(pulled(store, fixed, tmp_path / "versions")[0].folder) == FILES


def test_what_was_uploaded_in_parts_needs_noted_digests(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
) -> None:
    put({"a": b"1"}, commit=False)
    change_staged(lakefs, "data/a", checksum="0" * 32 + "-2")
    put({"b": b"2"})
    with pytest.raises(StoreError, match="1 objects .* such as a, were uploaded in parts"):
        pulled(store, data, tmp_path)


def test_large_objects_come_in_pieces(
    store: LakeFS,
    s3_store: S3,
    s3: S3Server,
    put: Callable[..., None],
    data: LakeFSAddress,
    prefix: S3Address,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "PIECE", 300)
    put(FILES)
    assert read(pulled(store, data, tmp_path / "versions")[0].folder) == FILES
    assert read(pulled(s3_store, prefix, tmp_path / "versions")[0].folder) == FILES


def test_what_came_is_not_copied_again(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulling, "PIECE", 300)
    monkeypatch.setattr(pulling, "WORKERS", 1)
    put(FILES)
    lakefs.fault("answer", path="*/objects", at=3, status=403)  # within images/a.png
    heard = Heard()
    with pytest.raises(StoreError, match="403"):
        pull(store, data, tmp_path, heard.said.append, heard.progress)
    assert heard.bytes >= 600
    assert find(store.resolve(data), tmp_path) is None
    version = pull(store, data, tmp_path, heard.said.append, heard.progress)
    assert (read(version.folder), heard.bytes) == (FILES, version.size)  # no byte came twice


def test_two_pulls_at_once_copy_once(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
) -> None:
    put(FILES)
    fixed = store.resolve(data)
    fault = lakefs.fault("stall_before", path="*/objects")
    found: list[tuple[Version, Heard]] = []
    threads = [
        threading.Thread(target=lambda: found.append(pulled(store, fixed, tmp_path)))
        for _ in range(2)
    ]
    threads[0].start()
    assert fault.reached.wait(30)
    threads[1].start()
    fault.release()
    for thread in threads:
        thread.join()
    assert len(found) == 2 and found[0][0] == found[1][0]
    assert sorted(heard.bytes for _, heard in found) == [0, found[0][0].size]
    reads = [
        request
        for request in lakefs.requests
        if request.path.endswith("/objects") and request.method == "GET"
    ]
    assert len(reads) == len([content for content in FILES.values() if content])


def test_a_copy_that_was_changed_on_this_machine(
    store: LakeFS, put: Callable[..., None], data: LakeFSAddress, tmp_path: Path
) -> None:
    put(FILES)
    version, _ = pulled(store, data, tmp_path)
    (version.folder / "note.txt").write_bytes(b"mine")
    with pytest.raises(StoreError, match="note.txt was changed since version .* was copied"):
        pulled(store, data, tmp_path)
    shutil.rmtree(version.folder)
    assert read(pulled(store, data, tmp_path)[0].folder) == FILES


def test_a_disk_that_is_too_small(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    lakefs: LakeFSEmulator,
) -> None:
    put({"huge": b"1"}, commit=False)
    change_staged(lakefs, "data/huge", size=1 << 60)
    put({"b": b"2"})
    with pytest.raises(StoreError, match="GB free; free some, or work on another disk"):
        pulled(store, data, tmp_path)


def test_a_manifest_that_was_changed(
    s3: S3Server, s3_store: S3, prefix: S3Address, tmp_path: Path
) -> None:
    address = pulled(s3_store, prefix, tmp_path)[0].address
    assert isinstance(address, S3Address)
    content = s3.read(address.bucket, address.key)
    s3.put(address.bucket, address.key, content.replace(b"note.txt", b"nota.txt"))
    with pytest.raises(StoreError, match="was changed since it was made"):
        pulled(s3_store, address, tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="NoSuchKey"):
        pulled(s3_store, replace(address, key=f".manifests/{'0' * 64}.json"), tmp_path)
