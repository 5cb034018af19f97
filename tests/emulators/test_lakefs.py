"""The emulated lakeFS, asked by lakeFS's own client."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lakefs_sdk as models
import pytest
import requests
from lakefs_sdk.client import LakeFSClient

from tests.emulators.lakefs import ACCESS_KEY, SECRET_KEY, LakeFSEmulator
from tests.emulators.s3 import S3Server

REPOSITORY = "data-repo"


@pytest.fixture
def connect(lakefs: LakeFSEmulator) -> Callable[..., LakeFSClient]:
    def connected(password: str = SECRET_KEY) -> LakeFSClient:
        return LakeFSClient(
            models.Configuration(host=lakefs.endpoint, username=ACCESS_KEY, password=password)
        )

    return connected


@pytest.fixture
def client(connect: Callable[..., LakeFSClient], s3_bucket: str) -> LakeFSClient:
    """A client, with one repository."""
    client = connect()
    client.repositories_api.create_repository(
        models.RepositoryCreation(name=REPOSITORY, storage_namespace=f"s3://{s3_bucket}/repo")
    )
    return client


def put(client: LakeFSClient, path: str, content: bytes, branch: str = "main") -> Any:
    return client.objects_api.upload_object(REPOSITORY, branch, path, content=content)


def commit(client: LakeFSClient, branch: str = "main", **fields: Any) -> Any:
    asked = models.CommitCreation(**{"message": "Change", **fields})
    return client.commits_api.commit(REPOSITORY, branch, asked)


def branch_off(client: LakeFSClient, name: str, source: str = "main") -> str:
    asked = models.BranchCreation(name=name, source=source)
    return client.branches_api.create_branch(REPOSITORY, asked)


def merge(client: LakeFSClient, source: str, **fields: Any) -> str:
    asked = models.Merge(**fields)
    return client.refs_api.merge_into_branch(REPOSITORY, source, "main", merge=asked).reference


def tag(client: LakeFSClient, name: str, ref: str = "main") -> Any:
    return client.tags_api.create_tag(REPOSITORY, models.TagCreation(id=name, ref=ref))


def refused(status: int, call: Callable[..., Any], *arguments: Any, **keywords: Any) -> str:
    """Calls what must be refused; returns why."""
    with pytest.raises(models.ApiException) as refused:
        call(*arguments, **keywords)
    assert refused.value.status == status
    return json.loads(refused.value.body)["message"]


def read(client: LakeFSClient, ref: str, path: str, **keywords: Any) -> bytes:
    return bytes(client.objects_api.get_object(REPOSITORY, ref, path, **keywords))


def test_what_is_committed_stays(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    put(client, "data/a.txt", b"one")
    assert read(client, "main", "data/a.txt") == b"one"
    refused(404, read, client, "main@", "data/a.txt")
    first = commit(client, metadata={"why": "test"})
    assert (first.metadata, first.generation) == ({"why": "test"}, 2)
    put(client, "data/a.txt", b"two")
    assert read(client, "main", "data/a.txt", range="bytes=1-") == b"wo"
    second = commit(client)
    assert second.parents == [first.id]
    for ref in (first.id, first.id[:12], "main~1", "main^"):
        assert read(client, ref, "data/a.txt") == b"one"
    tag(client, "v1", "main~")
    assert client.tags_api.get_tag(REPOSITORY, "v1").commit_id == first.id
    assert lakefs.content(REPOSITORY) == {"data/a.txt": b"two"}


def test_the_state_is_gone_on_with(tmp_path: Path, s3: S3Server, client: LakeFSClient) -> None:
    put(client, "a", b"1")
    commit(client)
    put(client, "b", b"2")
    with LakeFSEmulator(tmp_path / "lakefs", s3) as again:
        assert again.content(REPOSITORY) == {"a": b"1"}
        other = LakeFSClient(
            models.Configuration(host=again.endpoint, username=ACCESS_KEY, password=SECRET_KEY)
        )
        assert read(other, "main", "b") == b"2"


def test_a_reset_forgets_what_is_uncommitted(client: LakeFSClient) -> None:
    put(client, "a/1", b"1")
    put(client, "b/1", b"1")
    reset = models.ResetCreation(type="common_prefix", path="a/")
    client.branches_api.reset_branch(REPOSITORY, "main", reset)
    found = client.branches_api.diff_branch(REPOSITORY, "main").results
    assert [(one.path, one.type) for one in found] == [("b/1", "added")]


def test_pages_hold_what_the_service_gives(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    for number in range(7):
        put(client, f"x/{number}", b"")
    lakefs.page_items = 3
    seen, after, pages = [], "", 0
    while True:
        page = client.objects_api.list_objects(
            REPOSITORY, "main", prefix="x/", after=after, amount=1000
        )
        seen += [one.path for one in page.results]
        pages += 1
        if not page.pagination.has_more:
            break
        after = page.pagination.next_offset
    assert (seen, pages) == ([f"x/{number}" for number in range(7)], 3)


def test_a_delimiter_groups(client: LakeFSClient) -> None:
    for path in ("a/1", "a/2", "b"):
        put(client, path, b"")
    found = client.objects_api.list_objects(REPOSITORY, "main", delimiter="/").results
    assert [(one.path, one.path_type) for one in found] == [
        ("a/", "common_prefix"),
        ("b", "object"),
    ]


def test_merges_and_their_conflicts(client: LakeFSClient) -> None:
    put(client, "shared", b"0")
    commit(client)
    branch_off(client, "run")
    put(client, "shared", b"theirs", "run")
    put(client, "new", b"1", "run")
    commit(client, "run")
    put(client, "shared", b"ours")
    assert "dirty" in refused(400, merge, client, "run")
    commit(client)
    assert refused(409, merge, client, "run") == "conflict found"
    made = merge(client, "run", strategy="source-wins", message="Take theirs")
    assert read(client, "main", "shared") == b"theirs"
    newest = client.refs_api.log_commits(REPOSITORY, "main", amount=1)
    assert (newest.results[0].id, len(newest.results[0].parents)) == (made, 2)
    assert newest.pagination.has_more
    assert refused(400, merge, client, "run") == "no changes"
    changed = client.refs_api.diff_refs(REPOSITORY, f"{made}^", made).results
    assert {one.path: one.type for one in changed} == {"new": "added", "shared": "changed"}


def test_the_log_of_a_path_has_the_commits_that_changed_it_and_no_merges(
    client: LakeFSClient,
) -> None:
    for path in ("data/1", "other", "data/2"):
        put(client, path, b"")
        commit(client, message=f"Write {path}")
    branch_off(client, "run")
    put(client, "data/3", b"", "run")
    commit(client, "run", message="Write data/3")
    merge(client, "run")
    log = client.refs_api.log_commits(REPOSITORY, "main", prefixes=["data/"], amount=2)
    assert [one.message for one in log.results] == ["Write data/3", "Write data/2"]
    assert log.pagination.has_more


def test_names_are_taken_once(client: LakeFSClient) -> None:
    tag(client, "v1")
    refused(409, tag, client, "v1")
    refused(409, branch_off, client, "v1")
    refused(409, tag, client, "main")
    refused(409, branch_off, client, "main")
    refused(400, branch_off, client, "a/b")
    refused(400, tag, client, "a..b")


def test_what_is_not_there(client: LakeFSClient) -> None:
    assert refused(404, client.repositories_api.get_repository, "other") == "repository not found"
    assert refused(404, client.branches_api.get_branch, REPOSITORY, "x") == "branch not found"
    assert refused(404, read, client, "main", "x") == "object not found"
    refused(404, client.commits_api.get_commit, REPOSITORY, "0" * 64)
    creation = models.RepositoryCreation(name="new", storage_namespace="s3://no-such-bucket")
    refused(400, client.repositories_api.create_repository, creation)


def test_a_commit_of_nothing(client: LakeFSClient) -> None:
    assert refused(400, commit, client) == "commit: no changes"
    put(client, "a", b"1")
    commit(client)
    put(client, "a", b"1")  # the same again
    assert refused(400, commit, client) == "commit: no changes"
    commit(client, allow_empty=True)


def test_protected_branches(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    branch_off(client, "run")
    lakefs.protect(REPOSITORY, "ma*")
    assert refused(403, put, client, "a", b"1") == "cannot write to protected branch"
    put(client, "a", b"1", "run")
    commit(client, "run")
    merge(client, "run")
    assert lakefs.content(REPOSITORY) == {"a": b"1"}


def test_hooks_and_deletion(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    put(client, "a", b"1")
    lakefs.hook("pre-commit", "main", "no owner")
    assert "no owner" in refused(412, commit, client)
    lakefs.hook("pre-commit", "main", None)
    commit(client)
    lakefs.begin_deletion(REPOSITORY)
    assert refused(410, commit, client) == "repository in deletion"


def test_import_by_reference(
    s3: S3Server, s3_bucket: str, lakefs: LakeFSEmulator, client: LakeFSClient
) -> None:
    for key in ("photos/1", "photos/2", "other"):
        s3.put(s3_bucket, key, key.encode())
    put(client, "images/old", b"")
    commit(client)
    before = len(s3.keys(s3_bucket))

    def begin(source: str) -> Any:
        location = models.ImportLocation(type="common_prefix", path=source, destination="images/")
        asked = models.ImportCreation(
            paths=[location], commit=models.CommitCreation(message="Import")
        )
        begun = client.import_api.import_start(REPOSITORY, "main", asked)
        return client.import_api.import_status(REPOSITORY, "main", begun.id)

    status = begin(f"s3://{s3_bucket}/photos/")
    assert (status.completed, status.ingested_objects) == (True, 2)
    assert lakefs.content(REPOSITORY) == {"images/1": b"photos/1", "images/2": b"photos/2"}
    assert len(s3.keys(s3_bucket)) == before  # nothing was copied
    assert "no objects" in begin(f"s3://{s3_bucket}/none/").error.message
    s3.client.delete_object(Bucket=s3_bucket, Key="photos/1")
    assert refused(410, read, client, "main", "images/1") == "No data"


def test_objects_are_written_raw_or_in_a_form(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    url = f"{lakefs.endpoint}/api/v1/repositories/{REPOSITORY}/branches/main/objects"

    def raw(path: str, content: bytes, **headers: str) -> requests.Response:
        given = {"Content-Type": "image/png", **headers}
        keys = (ACCESS_KEY, SECRET_KEY)
        return requests.post(url, params={"path": path}, data=content, headers=given, auth=keys)

    content = b"\r\n\x00--\r\n"
    assert raw("raw", content, **{"x-lakefs-meta-sha256": "0a"}).status_code == 201
    assert raw("raw", content, **{"If-None-Match": "*"}).status_code == 412
    put(client, "form", content)
    found = client.objects_api.stat_object(REPOSITORY, "main", "raw")
    assert (found.metadata, found.content_type) == ({"sha256": "0a"}, "image/png")
    assert read(client, "main", "raw") == read(client, "main", "form") == content


def test_a_wrong_key(connect: Callable[..., LakeFSClient], client: LakeFSClient) -> None:
    message = refused(401, connect("wrong").repositories_api.get_repository, REPOSITORY)
    assert message == "error authenticating request"


def test_faults_on_demand(lakefs: LakeFSEmulator, client: LakeFSClient) -> None:
    lakefs.fault("answer", path="*/commits", status=429)
    put(client, "a", b"1")
    refused(429, commit, client)
    commit(client)
    assert [request.status for request in lakefs.requests if request.path.endswith("commits")] == [
        429,
        201,
    ]
