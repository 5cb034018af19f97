"""Versions are made: from a folder, by reference, by others' uploads; all at once or not at all."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stores import imports, writing
from stores.address import LakeFSAddress, S3Address
from stores.errors import StoreError
from stores.imports import import_by_reference, import_to_lakefs, import_to_s3
from stores.lakefs import LakeFS
from stores.s3 import S3
from stores.versions import pull
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import FILES, read, write


def quiet(size: int) -> None:
    """Takes what is told of progress."""


def objects(lakefs: LakeFSEmulator) -> dict[str, bytes]:
    """What is committed, without notes of digests."""
    found = lakefs.content("image-data")
    return {path: content for path, content in found.items() if not path.startswith(".manifests/")}


EXPECTED = {f"data/{path}": content for path, content in FILES.items()}


def test_a_folder_becomes_one_merge(
    lakefs: LakeFSEmulator, store: LakeFS, files: Path, data: LakeFSAddress, tmp_path: Path
) -> None:
    made = import_to_lakefs(store, files, data, "First images", quiet)
    assert objects(lakefs) == EXPECTED
    newest = lakefs.commits("image-data")[0]
    assert (newest["id"], newest["message"]) == (made.ref, "First images")
    assert newest["metadata"]["objects"] == "4"
    assert list(lakefs.branches("image-data")) == ["main"]
    assert import_to_lakefs(store, files, data, "Again", quiet) == made
    # The path then holds what the folder holds: what is gone from it is gone.
    (files / "note.txt").unlink()
    write(files, {"images/c.png": b"c"})
    newer = import_to_lakefs(store, files, data, "More", quiet)
    assert set(objects(lakefs)) == {*EXPECTED, "data/images/c.png"} - {"data/note.txt"}
    assert read(pull(store, made, tmp_path / "versions", print).folder) == FILES
    assert read(pull(store, newer, tmp_path / "versions", print).folder) == read(files)


def test_what_is_unchanged_is_not_sent(
    lakefs: LakeFSEmulator, store: LakeFS, files: Path, data: LakeFSAddress
) -> None:
    import_to_lakefs(store, files, data, "First", quiet)
    write(files, {"images/c.png": b"c"})
    before = len(lakefs.requests)
    import_to_lakefs(store, files, data, "Second", quiet)
    sent = [
        request
        for request in lakefs.requests[before:]
        if request.method == "POST" and request.path.endswith("/objects")
    ]
    assert len(sent) == 2  # the image, and the digests


def test_by_reference_nothing_is_copied(
    lakefs: LakeFSEmulator,
    store: LakeFS,
    s3: S3Server,
    prefix: S3Address,
    data: LakeFSAddress,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imports, "_POLL_SECONDS", 0)
    made = import_by_reference(store, prefix, data, "By reference", quiet)
    assert objects(lakefs) == EXPECTED
    places = {entry["address"] for entry in lakefs.entries("image-data").values()}
    assert f"s3://{prefix.bucket}/data/images/a.png" in places
    assert read(pull(store, made, tmp_path / "versions", print).folder) == FILES
    assert import_by_reference(store, prefix, data, "Again", quiet) == made
    # lakeFS does not own these objects: whoever overwrites one is noticed by the noted digest.
    s3.put(prefix.bucket, "data/images/a.png", b"b" * 1000)
    with pytest.raises(StoreError, match="a.png is not what it was"):
        pull(store, made, tmp_path / "elsewhere", print)
    with pytest.raises(StoreError, match="could not import s3://.*no objects found"):
        import_by_reference(store, S3Address(prefix.bucket, "none"), data, "None", quiet)


def test_a_folder_becomes_a_prefix(
    s3: S3Server, s3_store: S3, s3_bucket: str, files: Path, tmp_path: Path
) -> None:
    address = S3Address(s3_bucket, "pets")
    s3.put(s3_bucket, "pets/old", b"old")
    for _ in range(2):
        import_to_s3(s3_store, files, address, quiet)
        assert read(pull(s3_store, address, tmp_path / "versions", print).folder) == FILES
    assert sum(key.startswith(".manifests/") for key in s3.keys(s3_bucket)) == 1


def test_another_import_at_the_same_time(
    lakefs: LakeFSEmulator, store: LakeFS, files: Path, data: LakeFSAddress, tmp_path: Path
) -> None:
    import_to_lakefs(store, files, data, "First", quiet)
    mine, theirs = (Path(shutil.copytree(files, tmp_path / name)) for name in ("mine", "theirs"))
    write(mine, {"note.txt": b"mine"})
    write(theirs, {"note.txt": b"theirs"})
    fault = lakefs.fault("stall_before", path="*/merge/main")
    failed: list[Exception] = []

    def run() -> None:
        try:
            import_to_lakefs(store, mine, data, "Mine", quiet)
        except StoreError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert fault.reached.wait(30)
    import_to_lakefs(store, theirs, data, "Theirs", quiet)
    fault.release()
    thread.join()
    assert "somebody else changed the same" in str(failed[0])
    assert objects(lakefs)["data/note.txt"] == b"theirs"


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"A.png": b"", "a.png": b""}, "but for upper and lower case"),
        ({}, "There is nothing below"),
        ({"a\\b": b""}, "a backslash"),
    ],
)
def test_folders_that_are_no_version(
    store: LakeFS, data: LakeFSAddress, tmp_path: Path, bad: dict[str, bytes], message: str
) -> None:
    (tmp_path / "bad").mkdir()
    with pytest.raises(StoreError, match=message):
        import_to_lakefs(store, write(tmp_path / "bad", bad), data, "Bad", quiet)
    with pytest.raises(StoreError, match="is no folder"):
        import_to_lakefs(store, tmp_path / "absent", data, "Bad", quiet)


def test_a_whole_repository_is_not_replaced(
    store: LakeFS, files: Path, data: LakeFSAddress
) -> None:
    with pytest.raises(StoreError, match="names no path"):
        import_to_lakefs(store, files, LakeFSAddress(data.repository, "main"), "All", quiet)


def test_a_tag_names_one_version(
    store: LakeFS, put: Callable[..., None], data: LakeFSAddress, lakefs: LakeFSEmulator
) -> None:
    put(FILES)
    first = store.resolve(data)
    for _ in range(2):
        writing.tag(store, first, "v1")
    put({"a": b"1"})
    with pytest.raises(StoreError, match="v1 is a tag of image-data already"):
        writing.tag(store, store.resolve(data), "v1")
    assert lakefs.tags("image-data") == {"v1": first.ref}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"path": "*/merge/main", "status": 403}, r"\(403\); the branch is protected"),
        ({"path": "*/merge/main", "status": 409}, r"\(409\); somebody else changed the same"),
        ({"path": "*/merge/main", "status": 412}, r"\(412\); a hook"),
        ({"path": "*/merge/main", "status": 410}, r"\(410\); it was deleted"),
    ],
)
def test_what_a_repository_refuses_leaves_main_as_it_was(
    lakefs: LakeFSEmulator,
    store: LakeFS,
    files: Path,
    data: LakeFSAddress,
    fault: dict,
    message: str,
) -> None:
    before = lakefs.branches("image-data")["main"]
    lakefs.fault("answer", **fault)
    with pytest.raises(StoreError, match=message):
        import_to_lakefs(store, files, data, "Import", quiet)
    assert lakefs.branches("image-data")["main"] == before
    import_to_lakefs(store, files, data, "Import", quiet)
    assert objects(lakefs) == EXPECTED
    assert list(lakefs.branches("image-data")) == ["main"]
