"""The Hub emulator, as the real client and a plain HTTP client see it."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from huggingface_hub import (
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
)
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.emulators.hub import HubEmulator, Limits
from tests.emulators.publishing import MODEL, TOKEN, WEIGHTS, publish, sent, status_of

# Repositories


def test_whoami(hub, api):
    hub.add_token("hf_reader", user="ann", role="read", orgs=("acme",))
    assert api.whoami()["auth"]["accessToken"]["role"] == "write"
    reader = HfApi(endpoint=hub.endpoint, token="hf_reader").whoami()
    assert (reader["name"], reader["orgs"][0]["name"]) == ("ann", "acme")
    assert reader["auth"]["accessToken"]["role"] == "read"


def test_create_describe_delete(hub, api):
    url = api.create_repo("demo/pets", private=True)
    assert (url.repo_id, url.repo_type, str(url)) == (
        "demo/pets",
        "model",
        f"{hub.endpoint}/demo/pets",
    )
    with pytest.raises(HfHubHTTPError) as error:
        api.create_repo("demo/pets")
    assert status_of(error) == 409
    assert api.create_repo("demo/pets", exist_ok=True) == url
    info = api.model_info("demo/pets")
    assert info.private and [file.rfilename for file in info.siblings] == [".gitattributes"]
    api.delete_repo("demo/pets")
    assert not hub.exists("models", "demo/pets")
    with pytest.raises(RepositoryNotFoundError):
        api.delete_repo("demo/pets")


def test_repository_of_each_type(hub, api):
    for repo_type in ("model", "dataset"):
        assert api.create_repo("demo/pets", repo_type=repo_type).repo_type == repo_type
    url = api.create_repo("demo/pets", repo_type="space", space_sdk="gradio")
    assert str(url) == f"{hub.endpoint}/spaces/demo/pets"
    assert api.dataset_info("demo/pets").id == "demo/pets"
    assert api.space_info("demo/pets").sdk == "gradio"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "a--b"},
        {"name": "a..b"},
        {"name": "pets.git"},
        {"name": "-pets"},
        {"name": "a b"},
        {"name": "a/b"},
        {"name": "p" * 97},
        {"name": "pets", "type": "space"},  # without its sdk
        {"name": "pets", "type": "zoo"},
        {"name": "pets", "visibility": "protected"},  # which only Spaces can be
        {},
    ],
)
def test_create_refuses(hub, body):
    answer = httpx2.post(
        f"{hub.endpoint}/api/repos/create", json=body, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 400 and answer.json()["error"]


def test_visibility_changes(hub, api, client):
    api.create_repo("demo/pets", private=True)
    with pytest.raises(RepositoryNotFoundError):
        client(False).model_info("demo/pets")
    api.update_repo_settings("demo/pets", private=False)
    assert not client(False).model_info("demo/pets").private


def test_unknown_paths(hub, api):
    api.create_repo("demo/pets")
    for path in ("/api/nothing/here", "/api/models/demo/pets/nothing", "/x", "/demo/absent"):
        assert httpx2.get(f"{hub.endpoint}{path}").status_code == 404
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("demo/absent")
    with pytest.raises(RevisionNotFoundError):
        api.model_info("demo/pets", revision="v9")
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree("demo/pets", "absent"))
    assert not api.file_exists("demo/pets", "absent")
    assert api.file_exists("demo/pets", ".gitattributes")
    assert not api.revision_exists("demo/pets", "v9")


# Commits


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


# Branches and tags


def test_tags(hub, api):
    first = publish(api, {"a": b"1"})
    api.create_tag("demo/pets", tag="v1", tag_message="The first")
    second = publish(api, {"a": b"2"})
    api.create_tag("demo/pets", tag="v2")
    with pytest.raises(HfHubHTTPError) as error:
        api.create_tag("demo/pets", tag="v1")
    assert status_of(error) == 409
    api.create_tag("demo/pets", tag="v1", exist_ok=True)
    assert hub.tags("models", "demo/pets") == {"v1": first, "v2": second}
    refs = api.list_repo_refs("demo/pets", include_pull_requests=True)
    assert [(tag.name, tag.ref, tag.target_commit) for tag in refs.tags] == [
        ("v1", "refs/tags/v1", first),
        ("v2", "refs/tags/v2", second),
    ]
    assert api.model_info("demo/pets", revision="v1").sha == first
    api.delete_tag("demo/pets", tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag("demo/pets", tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.create_tag("demo/pets", tag="v3", revision="absent")
    with pytest.raises(BadRequestError):
        api.create_tag("demo/pets", tag="v 3")


def test_branches(hub, api):
    first = publish(api, {"a": b"1"})
    publish(api, {"a": b"2"})
    api.create_branch("demo/pets", branch="try/this", revision=first)
    with pytest.raises(HfHubHTTPError):
        api.create_branch("demo/pets", branch="try/this")
    publish(api, {"a": b"3"}, revision="try/this")
    assert hub.tree("models", "demo/pets", "try/this")["a"] == b"3"
    assert hub.tree("models", "demo/pets")["a"] == b"2"
    api.delete_branch("demo/pets", branch="try/this")
    assert set(hub.branches("models", "demo/pets")) == {"main"}
    with pytest.raises(HfHubHTTPError) as error:
        api.delete_branch("demo/pets", branch="main")
    assert status_of(error) == 403


def test_tree_in_pages(hub, api):
    files = {f"{folder}/{number}.txt": b"x" for folder in "ab" for number in range(3)}
    publish(api, {**files, "model.tflite": WEIGHTS})
    before = len(hub.requests)
    paths = [item.path for item in api.list_repo_tree("demo/pets", recursive=True)]
    assert set(paths) == {*files, ".gitattributes", "a", "b", "model.tflite"}
    assert len(paths) == len(set(paths)) and len(hub.requests) - before == 4  # of 3 at most
    assert [item.path for item in api.list_repo_tree("demo/pets")] == [
        ".gitattributes",
        "a",
        "b",
        "model.tflite",
    ]
    assert [item.path for item in api.list_repo_tree("demo/pets", "b")] == sorted(files)[3:]
    folder, file = api.get_paths_info("demo/pets", ["a", "absent", "model.tflite"])
    assert folder.path == "a" and file.lfs.sha256 == hashlib.sha256(WEIGHTS).hexdigest()
