"""The Hub emulator, as the real client and a plain HTTP client see it."""

import hashlib

import httpx2
import pytest
from huggingface_hub import (
    HfApi,
)
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.emulators.publishing import TOKEN, WEIGHTS, publish, status_of

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
    for path in (
        "/api/nothing/here",
        "/api/models/demo/pets/nothing",
        "/x",
        "/demo/absent",
        "/a%2F..%2Fdemo/pets",
    ):
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


def test_history_in_pages(api):
    for number in range(7):
        publish(api, {"a": b"%d" % number}, commit_message=f"Number {number}")
    titles = [commit.title for commit in api.list_repo_commits("demo/pets")]
    assert titles == [*(f"Number {number}" for number in reversed(range(7))), "initial commit"]
