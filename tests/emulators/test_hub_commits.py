"""Commits to the Hub's emulator."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from huggingface_hub import (
    CommitOperationCopy,
    CommitOperationDelete,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
)

from tests.emulators.hub import HubEmulator, Limits
from tests.emulators.publishing import MODEL, TOKEN, WEIGHTS, publish, sent, status_of


def test_commit(hub, api):
    oid = publish(api, {**MODEL, "model.tflite": WEIGHTS}, commit_description="The rest")
    head, initial = hub.commits("models", "demo/pets")
    assert (head.id, head.parent, head.title, head.message) == (
        oid,
        initial.id,
        "Publish",
        "The rest",
    )
    assert (head.author, initial.title, initial.parent) == ("demo", "initial commit", None)
    tree = hub.tree("models", "demo/pets")
    assert tree.pop(".gitattributes").startswith(b"*.7z filter=lfs")
    assert tree == {**MODEL, "model.tflite": len(WEIGHTS)}
    assert hub.content("models", "demo/pets", "main", "model.tflite") == WEIGHTS
    assert [commit.title for commit in api.list_repo_commits("demo/pets")] == [
        "Publish",
        "initial commit",
    ]


def test_files_metadata(api):
    publish(api, {**MODEL, "model.tflite": WEIGHTS})
    info = api.model_info("demo/pets", files_metadata=True)
    files = {file.rfilename: file for file in info.siblings}
    assert files["model.tflite"].lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
    assert files["model.tflite"].size == len(WEIGHTS)
    assert files["config.json"].lfs is None
    assert files["config.json"].blob_id == hashlib.sha1(b"blob 2\0{}").hexdigest()
    assert info.card_data.license == "mit"


@pytest.mark.parametrize(
    ("path", "in_lfs"),
    [
        ("model.tflite", True),
        ("saved_model.pb", True),
        ("saved_model/variables/variables.index", True),
        ("saved_model/fingerprint", True),
        ("logs/events.out.tfevents.1", True),
        ("model.json", False),
        ("variables/variables.index", False),
    ],
)
def test_what_goes_to_lfs(hub, api, path, in_lfs):
    publish(api, {path: WEIGHTS})
    assert ("lfs" in hub.commits("models", "demo/pets")[0].tree[path]) == in_lfs


def test_size_and_gitattributes_decide_on_lfs(hub, api):
    hub.limits = Limits(regular_bytes=500)
    publish(api, {"large.txt": WEIGHTS, ".gitattributes": b"*.tfl filter=lfs\n"})
    publish(api, {"a.tfl": b"a", "b.tflite": b"b", "empty.tfl": b""})
    tree = hub.tree("models", "demo/pets")
    assert (tree["large.txt"], tree["a.tfl"], tree["b.tflite"]) == (len(WEIGHTS), 1, b"b")
    assert tree["empty.tfl"] == b""


def test_nothing_is_committed_without_a_change(hub, api):
    first = publish(api, {**MODEL, "model.tflite": WEIGHTS})
    assert publish(api, {**MODEL, "model.tflite": WEIGHTS}) == first
    assert len(hub.commits("models", "demo/pets")) == 2
    assert (sent(hub, "POST", "/commit/"), sent(hub, "PUT", "/lfs-objects/")) == (1, 1)


def test_stale_parent(hub, api):
    first = publish(api, {"a": b"1"})
    second = publish(api, {"a": b"2"}, parent_commit=first[:7])
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as error:
        publish(api, {"a": b"3"}, parent_commit=first)
    assert status_of(error) == 412
    assert hub.branches("models", "demo/pets") == {"main": second}


def test_concurrent_commits_with_the_same_parent(hub, api):
    first = publish(api, {"a": b"0"})

    def commit(number: int) -> str | int:
        try:
            return publish(api, {"a": b"%d" % number}, parent_commit=first)
        except HfHubHTTPError as error:
            return error.response.status_code

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(commit, range(1, 7)))
    winners = [outcome for outcome in outcomes if outcome != 412]
    assert winners == [hub.branches("models", "demo/pets")["main"]]
    assert len(hub.commits("models", "demo/pets")) == 3


def test_concurrent_commits_without_a_parent_all_happen(hub, api):
    publish(api, {"a": b"0"})
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: publish(api, {f"{number}": b"x"}), range(6)))
    assert len(hub.tree("models", "demo/pets")) == 8


def test_delete_files_and_folders(hub, api):
    publish(api, {"a": b"1", "variables/x": b"2", "variables/y": b"3", "variables.txt": b"4"})
    api.create_commit(
        "demo/pets",
        [CommitOperationDelete("a"), CommitOperationDelete("variables/")],
        commit_message="Clean up",
    )
    assert set(hub.tree("models", "demo/pets")) == {".gitattributes", "variables.txt"}
    with pytest.raises(EntryNotFoundError, match="A file with this name doesn't exist"):
        api.delete_file("a", "demo/pets")
    with pytest.raises(EntryNotFoundError):
        api.delete_folder("variables", "demo/pets")
    assert len(hub.commits("models", "demo/pets")) == 3


def test_upload_folder_mirrors(hub, api, tmp_path):
    publish(api, {"old/a.txt": b"1", "kept.txt": b"2"})
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b.txt").write_bytes(b"3")
    (tmp_path / "new" / "skipped.log").write_bytes(b"4")
    (tmp_path / "new" / ".gitignore").write_text("# of no use\n*.log\n")
    api.upload_folder(
        repo_id="demo/pets",
        folder_path=tmp_path / "new",
        delete_patterns="old/*",
        commit_message="Sync",
    )
    assert set(hub.tree("models", "demo/pets")) == {
        ".gitattributes",
        ".gitignore",
        "b.txt",
        "kept.txt",
    }


def test_copy_from_a_tag_restores_without_uploading(hub, api):
    publish(api, {"model.tflite": WEIGHTS, "config.json": b"1"})
    api.create_tag("demo/pets", tag="v1")
    publish(api, {"model.tflite": b"worse", "config.json": b"2"})
    before = len(hub.requests)
    paths = ("model.tflite", "config.json")
    api.create_commit(
        "demo/pets",
        [CommitOperationCopy(path, path, src_revision="v1") for path in paths],
        commit_message="Back to v1",
    )
    at_tag, at_main = (hub.tree("models", "demo/pets", name) for name in ("v1", "main"))
    assert at_main == at_tag
    assert all(request.method != "PUT" for request in hub.requests[before:])


def commit_lines(hub: HubEmulator, *lines: dict, branch: str = "main") -> httpx2.Response:
    """Sends a commit by hand."""
    header = {"key": "header", "value": {"summary": "By hand"}}
    return httpx2.post(
        f"{hub.endpoint}/api/models/demo/pets/commit/{branch}",
        content="\n".join(json.dumps(line) for line in (header, *lines)),
        headers={"Authorization": f"Bearer {TOKEN}"},
    )


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("lfsFile", {"path": "a.pb", "oid": "0" * 64}, "does not exist"),
        ("lfsFile", {"path": "a.pb", "oid": "../repo.json"}, "does not exist"),
        ("file", {"path": "../a", "content": ""}, "not a valid path"),
        ("file", {"path": "/a", "content": ""}, "not a valid path"),
        ("file", {"path": ".git/config", "content": ""}, "not a valid path"),
        ("file", {"path": ".gitattributes/a", "content": ""}, "both a file and a folder"),
        ("file", {"path": "a", "content": "?"}, "base64"),
        ("file", {"path": "README.md", "content": "LS0tCls6Ci0tLQo="}, "YAML"),
        ("file", {"content": ""}, '"path" is required'),
        ("rename", {"path": "a"}, "not an operation"),
    ],
)
def test_commit_refuses(hub, api, key, value, words):
    api.create_repo("demo/pets")
    good = {"key": "file", "value": {"path": "good", "content": ""}}
    answer = commit_lines(hub, good, {"key": key, "value": value})
    assert answer.status_code == 400 and words in answer.json()["error"]
    assert len(hub.commits("models", "demo/pets")) == 1


def test_commit_goes_to_a_branch_alone(hub, api):
    api.create_repo("demo/pets")
    api.create_tag("demo/pets", tag="v1")
    for branch in ("absent", "v1", hub.branches("models", "demo/pets")["main"]):
        assert commit_lines(hub, branch=branch).headers["X-Error-Code"] == "RevisionNotFound"


def test_metadata_is_validated(api):
    api.create_repo("demo/pets", repo_type="space", space_sdk="gradio")
    with pytest.warns(UserWarning, match="empty or missing yaml metadata"):
        publish(api, {"README.md": b"# Pets\n"})
    with pytest.raises(ValueError, match="YAML parse error"):
        publish(api, {"README.md": b"---\ntags: [a\n---\n"})
    for readme, words in (
        (b"# Pets\n", '"sdk" is required'),
        (b"---\nsdk: flask\n---\n", '"sdk" must be one of'),
        (b"---\nsdk: gradio\ncolorTo: teal\n---\n", '"colorTo" must be one of'),
    ):
        with pytest.raises(ValueError, match=words):
            api.upload_file(
                path_or_fileobj=readme,
                path_in_repo="README.md",
                repo_id="demo/pets",
                repo_type="space",
            )
