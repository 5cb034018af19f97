"""Uploads and downloads of files, by the Hub's emulator."""

import hashlib
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import hf_hub_download, snapshot_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

from tests.emulators.publishing import LARGE, MODEL, TOKEN, WEIGHTS, publish, sent, status_of

FILES = {
    **MODEL,
    "model.tflite": WEIGHTS,
    "saved_model/saved_model.pb": LARGE,
    "saved_model/variables/a name with spaces & ünïcode?.index": b"x",
    "empty.txt": b"",
}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts and path.name != ".gitattributes"
    }


@pytest.mark.parametrize("multipart_bytes", [1000, 10_000])
def test_snapshot_of_a_tag_is_what_was_uploaded(hub, api, tmp_path, multipart_bytes):
    hub.limits.multipart_bytes = multipart_bytes
    publish(api, FILES)
    api.create_tag("demo/pets", tag="v1")
    publish(api, {"config.json": b"2", "model.tflite": b"other"})
    api.snapshot_download("demo/pets", revision="v1", local_dir=tmp_path / "pets")
    assert files_below(tmp_path / "pets") == FILES
    completions = sent(hub, "POST", "/lfs-objects/")
    assert completions == (1 if multipart_bytes == 1000 else 0)


def test_download_caches(hub, api, tmp_path):
    commit = publish(api, FILES)
    for _ in range(2):
        for name in ("config.json", "model.tflite"):
            path = api.hf_hub_download("demo/pets", name, cache_dir=tmp_path / "cache")
            assert Path(path).read_bytes() == FILES[name]
            assert Path(path).parent.name == commit
    assert sent(hub, "GET", "/resolve/main/config.json") == 1
    assert sent(hub, "GET", "/lfs-objects/") == 1  # HEAD asks each time
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download("demo/pets", "absent", cache_dir=tmp_path / "cache")
    assert (tmp_path / "cache/models--demo--pets/.no_exist" / commit / "absent").exists()


@pytest.mark.parametrize(("repo_type", "sdk"), [("dataset", None), ("space", "static")])
def test_download_of_datasets_and_spaces(api, tmp_path, repo_type, sdk):
    api.create_repo("demo/pets", repo_type=repo_type, space_sdk=sdk)
    api.upload_file(
        path_or_fileobj=WEIGHTS, path_in_repo="a.npz", repo_id="demo/pets", repo_type=repo_type
    )
    path = api.hf_hub_download("demo/pets", "a.npz", repo_type=repo_type, local_dir=tmp_path)
    assert Path(path).read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["config.txt", "model.tflite"])
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=700-", slice(700, None)),
        ("bytes=-5", slice(-5, None)),
        ("bytes=760-9999", slice(760, None)),
    ],
)
def test_range(hub, api, name, asked, part):
    publish(api, {name: WEIGHTS})
    answer = httpx2.get(
        f"{hub.endpoint}/demo/pets/resolve/main/{name}",
        headers={"Range": asked},
        follow_redirects=True,
    )
    start = range(len(WEIGHTS))[part][0]
    assert (answer.status_code, answer.content) == (206, WEIGHTS[part])
    assert answer.headers["Content-Range"].startswith(f"bytes {start}-")


def test_range_outside_of_the_file(hub, api):
    publish(api, {"a": b"12345"})
    address = f"{hub.endpoint}/demo/pets/resolve/main/a"
    answer = httpx2.get(address, headers={"Range": "bytes=5-"})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */5")


def test_cut_download_is_resumed(hub, api, tmp_path, waits, monkeypatch):
    # The client keeps what came in whole chunks, which are of 10 MB unless it is told otherwise.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100)
    publish(api, {"model.tflite": WEIGHTS})
    hub.fault("cut_answer", method="GET", path="/lfs-objects/*", after_bytes=500)
    path = api.hf_hub_download("demo/pets", "model.tflite", local_dir=tmp_path / "pets")
    assert Path(path).read_bytes() == WEIGHTS
    first, second = (r for r in hub.requests if r.method == "GET" and "/lfs-objects/" in r.path)
    assert (first.status, second.status) == (200, 206)


def test_etags_and_commit_of_resolve(hub, api):
    commit = publish(api, FILES)
    head = httpx2.head(f"{hub.endpoint}/demo/pets/resolve/main/config.json")
    assert head.headers["X-Repo-Commit"] == commit
    assert head.headers["ETag"] == f'"{hashlib.sha1(b"blob 2" + bytes(1) + b"{}").hexdigest()}"'
    head = httpx2.head(f"{hub.endpoint}/demo/pets/resolve/main/model.tflite")
    assert (head.status_code, head.headers["X-Linked-Size"]) == (302, str(len(WEIGHTS)))
    assert head.headers["X-Linked-Etag"] == f'"{hashlib.sha256(WEIGHTS).hexdigest()}"'
    absent = httpx2.head(f"{hub.endpoint}/demo/pets/resolve/main/absent")
    assert absent.headers["X-Error-Code"] == "EntryNotFound"
    assert absent.headers["X-Repo-Commit"] == commit


# The LFS protocol


def batch(hub, content: bytes, oid: str | None = None) -> dict:
    """Asks to upload one object and returns what the answer says of it."""
    oid = oid or hashlib.sha256(content).hexdigest()
    answer = httpx2.post(
        f"{hub.endpoint}/demo/pets.git/info/lfs/objects/batch",
        json={"operation": "upload", "objects": [{"oid": oid, "size": len(content)}]},
        headers=BEARER,
    )
    return answer.json()["objects"][0]


@pytest.mark.parametrize("content", [b"tampered!", b"short", b"much too long"])
def test_object_with_other_bytes_is_refused(hub, api, content):
    api.create_repo("demo/pets")
    actions = batch(hub, b"honest ok")["actions"]
    assert httpx2.put(actions["upload"]["href"], content=content).status_code == 400
    assert "actions" in batch(hub, b"honest ok")
    oid = hashlib.sha256(b"honest ok").hexdigest()
    verified = httpx2.post(actions["verify"]["href"], json={"oid": oid, "size": 9}, headers=BEARER)
    assert verified.status_code == 404
    chunked = iter([b"honest", b" ok"])
    assert httpx2.put(actions["upload"]["href"], content=chunked).status_code == 200
    assert "actions" not in batch(hub, b"honest ok")
    wrong = httpx2.post(actions["verify"]["href"], json={"oid": oid, "size": 8}, headers=BEARER)
    assert wrong.status_code == 422


def test_parts_with_other_bytes_are_refused(hub, api):
    api.create_repo("demo/pets")
    upload = batch(hub, LARGE)["actions"]["upload"]
    assert upload["header"]["chunk_size"] == "400"
    early = httpx2.post(upload["href"], json={"parts": [{"partNumber": 1, "etag": "x"}]})
    assert early.status_code == 400
    parts = []
    for number in range(1, 7):
        part = httpx2.put(upload["header"][str(number)], content=b"?" * 384)
        parts.append({"partNumber": number, "etag": part.headers["ETag"]})
    completed = httpx2.post(upload["href"], json={"parts": parts})
    assert (completed.status_code, "actions" in batch(hub, LARGE)) == (400, True)


def test_links_cannot_be_made_up(hub, api):
    publish(api, {"model.tflite": WEIGHTS})
    location = httpx2.head(f"{hub.endpoint}/demo/pets/resolve/main/model.tflite").headers[
        "Location"
    ]
    assert httpx2.get(location).content == WEIGHTS
    for forged in (location[:-1], location.replace("/pets/", "/cats/")):
        assert httpx2.get(forged).status_code == 403
    assert httpx2.put(location, content=b"x").status_code == 403


def test_object_of_another_repository_is_uploaded_again(hub, api):
    publish(api, {"model.tflite": WEIGHTS})
    publish(api, {"a.tflite": WEIGHTS, "b.tflite": WEIGHTS})
    assert sent(hub, "PUT", "/lfs-objects/") == 1
    publish(api, {"model.tflite": WEIGHTS}, repo_id="demo/cats")
    assert sent(hub, "PUT", "/lfs-objects/models/demo/cats") == 1


def test_quota(hub, api):
    hub.set_quota("demo", 6000)  # of which .gitattributes takes a part
    publish(api, {"model.tflite": LARGE}, repo_id="demo/cats")
    with pytest.raises(ValueError, match="Storage limit reached: demo uses .* of 6000 bytes"):
        publish(api, {"model.tflite": LARGE})
    with pytest.raises(HfHubHTTPError, match="Storage limit reached") as error:
        publish(api, {"large.txt": LARGE})
    assert status_of(error) == 403
    assert len(hub.commits("models", "demo/pets")) == 1
    api.delete_repo("demo/cats")
    publish(api, {"model.tflite": LARGE})


def test_downloads_need_the_hub(hub, api, tmp_path, waits):
    publish(api, MODEL)
    hub.fault("answer", times=99, status=500, path="*/resolve/*")
    with pytest.raises(LocalEntryNotFoundError):
        hf_hub_download(
            "demo/pets", "config.json", endpoint=hub.endpoint, cache_dir=tmp_path / "cache"
        )
    hub.journal.clear_faults()
    folder = snapshot_download("demo/pets", endpoint=hub.endpoint, cache_dir=tmp_path / "cache")
    assert files_below(Path(folder)) == MODEL
