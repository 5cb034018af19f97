"""What a store refuses, or does not answer: one sentence with the cause and the cure."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stores.address import LakeFSAddress, S3Address, parse
from stores.errors import StoreError
from stores.lakefs import LakeFS
from stores.manifest import Entry, check_entries
from stores.s3 import S3
from stores.versions import pull
from tests.emulators.lakefs import ACCESS_KEY, SECRET_KEY, LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.emulators.s3.server import ACCESS_KEY as S3_ACCESS_KEY
from tests.stores.conftest import FILES, connect, read


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("lakefs://no-such-repository/main/data", r"repository not found \(404\)"),
        ("lakefs://image-data/none/data", r"'none' not found \(404\)"),
        (f"lakefs://image-data/{'0' * 64}/data", r"not found \(404\)"),
        ("lakefs://image-data/main/none", "There is nothing below lakefs://image-data/"),
    ],
)
def test_what_lakefs_has_not(
    store: LakeFS, put: Callable[..., None], tmp_path: Path, address: str, message: str
) -> None:
    put(FILES)
    with pytest.raises(StoreError, match=message):
        pull(store, parse(address), tmp_path, print)


def test_a_branch_with_uncommitted_changes(
    store: LakeFS, put: Callable[..., None], data: LakeFSAddress, tmp_path: Path
) -> None:
    put(FILES)
    put({"new": b"1"}, commit=False)
    with pytest.raises(StoreError, match="not committed, such as data/new; commit them") as refused:
        pull(store, data, tmp_path, print)
    # What it says to take instead is what is committed.
    address = parse(str(refused.value).partition("committed: ")[2].rstrip("."))
    assert read(pull(store, address, tmp_path, print).folder) == FILES
    # Elsewhere on the branch they do not matter.
    assert store.resolve(LakeFSAddress(data.repository, "main", "data/images")).fixed


def test_a_branch_and_a_tag_of_one_name(
    lakefs: LakeFSEmulator, store: LakeFS, put: Callable[..., None], data: LakeFSAddress
) -> None:
    first = lakefs.branches("image-data")["main"]
    put(FILES)
    lakefs.add_old_tag("image-data", "main", first)
    with pytest.raises(StoreError, match=f"main is a branch and a tag .*/{first}/data"):
        store.resolve(data)


def test_a_branch_that_moves_during_a_pull(
    lakefs: LakeFSEmulator,
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
) -> None:
    put(FILES)
    fault = lakefs.fault("stall_before", path="*/objects")
    found = []
    thread = threading.Thread(target=lambda: found.append(pull(store, data, tmp_path, print)))
    thread.start()
    assert fault.reached.wait(30)
    put({name: b"other" for name in FILES})
    fault.release()
    thread.join()
    assert read(found[0].folder) == FILES


def test_wrong_keys(
    lakefs: LakeFSEmulator, store: LakeFS, s3: S3Server, prefix: S3Address, data: LakeFSAddress
) -> None:
    with pytest.raises(StoreError, match="does not know these keys: correct LAKEFS_") as refused:
        LakeFS(lakefs.endpoint, ACCESS_KEY, "hunter2").resolve(data)
    assert "hunter2" not in str(refused.value) and SECRET_KEY not in str(refused.value)
    with pytest.raises(StoreError, match="SignatureDoesNotMatch; the secret key is wrong"):
        S3(s3.endpoint, S3_ACCESS_KEY, "hunter2").entries(prefix, False)
    with pytest.raises(StoreError, match="InvalidAccessKeyId; the access key is not known"):
        S3(s3.endpoint, "nobody", "hunter2").entries(prefix, False)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://no-such-bucket/data", "NoSuchBucket; there is no such bucket"),
        ("s3://{bucket}/none", "There is nothing below s3://"),
    ],
)
def test_what_s3_has_not(
    s3_store: S3, prefix: S3Address, tmp_path: Path, address: str, message: str
) -> None:
    with pytest.raises(StoreError, match=message):
        pull(s3_store, parse(address.format(bucket=prefix.bucket)), tmp_path, print)


@pytest.mark.parametrize("key", ["data/../../x", "data//x", "data/Note.TXT", "data/note.txt/x"])
def test_keys_of_s3_that_cannot_be_files(
    s3: S3Server, s3_store: S3, prefix: S3Address, tmp_path: Path, key: str
) -> None:
    """SeaweedFS holds some of them under another name; no list with one in it becomes files."""
    entries = s3_store.entries(prefix, False)
    hostile = Entry(path=key.removeprefix("data/"), size=1, etag="0" * 32)
    with pytest.raises(StoreError, match="cannot lie in a folder"):
        check_entries([*entries, hostile], str(prefix))


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(
    lakefs: LakeFSEmulator,
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    status: int,
) -> None:
    put(FILES)
    lakefs.fault("answer", path="*/objects*", status=status, times=2, headers={"Retry-After": "0"})
    assert read(pull(store, data, tmp_path, print).folder) == FILES
    lakefs.fault("answer", path="*", status=status, times=99, headers={"Retry-After": "0"})
    with pytest.raises(StoreError, match=rf"\({status}\); the server is busy, also after 5 more"):
        pull(store, data, tmp_path, print)


@pytest.mark.parametrize("kind", ["close_before", "close_after", "cut_answer"])
def test_a_lost_answer_is_asked_for_again(
    lakefs: LakeFSEmulator,
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    tmp_path: Path,
    kind: str,
) -> None:
    put(FILES)
    lakefs.fault(kind, path="*/objects", after_bytes=1)  # type: ignore[arg-type]
    assert read(pull(store, data, tmp_path, print).folder) == FILES


def test_a_server_that_does_not_answer(
    lakefs: LakeFSEmulator, store: LakeFS, data: LakeFSAddress
) -> None:
    lakefs.fault("stall_before", times=99)
    with pytest.raises(StoreError, match="does not answer, .* correct LAKEFS_ENDPOINT"):
        connect(lakefs, read_seconds=0.2).resolve(data)
    lakefs.journal.clear_faults()


def test_servers_that_are_not_there(data: LakeFSAddress) -> None:
    with pytest.raises(StoreError, match="lakeFS at http://127.0.0.1:9 cannot be reached"):
        LakeFS("http://127.0.0.1:9", "a", "b").resolve(data)
    with pytest.raises(StoreError, match="S3 cannot be reached, .* correct S3_ENDPOINT"):
        S3("http://127.0.0.1:9", "a", "b").entries(S3Address("bucket"), False)
