"""Objects: their bytes, which lie in S3, and lists of them; commits, logs and differences."""

import re
from typing import Any

import lakefs_sdk as models

from ..http_service import Reply
from .branches import head, list_changes
from .errors import LakeFSError, not_found
from .refs import entry_at, resolve, tree_at
from .repositories import check_writable
from .server import Call, Routes, make, reply
from .store import Entry, Store
from .trees import changes, history, merge_base, page

routes = Routes()

_BRANCH = "/repositories/{repository}/branches/{branch}"
_REF = "/repositories/{repository}/refs/{ref}"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_META = "x-lakefs-meta-"
_LONGEST_PATH = 1024


def describe(path: str, entry: Entry) -> Any:
    """An object as lists have it."""
    return make(
        models.ObjectStats,
        path=path,
        path_type="object",
        physical_address=entry["address"],
        checksum=entry["checksum"],
        size_bytes=entry["size"],
        mtime=entry["mtime"],
        metadata=entry["metadata"],
        content_type=entry["content_type"],
    )


def _check_path(path: str) -> None:
    if len(path) > _LONGEST_PATH:
        raise LakeFSError(400, "argument path: invalid value: validation error")


@routes.add("POST", f"{_BRANCH}/objects")
def upload(call: Call, repository: str, branch: str) -> Reply:
    path = call.need("path")
    _check_path(path)
    store, headers = call.lakefs.store, call.sent.headers
    with store.changing():
        head(call, repository, branch)
        check_writable(call, repository, branch, "write to")
    if headers.get("If-None-Match") == "*":
        try:
            with store.changing():
                entry_at(store, repository, branch, path)
        except LakeFSError:
            pass
        else:
            raise LakeFSError(412, "path already exists")
    entry = call.lakefs.write_object(
        repository,
        *call.content(),
        {
            name.lower().removeprefix(_META): value
            for name, value in headers.items()
            if name.lower().startswith(_META)
        },
    )
    with store.changing():
        head(call, repository, branch)
        store.stage(repository, branch, path, entry)
    return reply(describe(path, entry), 201)


@routes.add("DELETE", f"{_BRANCH}/objects")
def delete(call: Call, repository: str, branch: str) -> Reply:
    with call.lakefs.store.changing():
        _delete(call, repository, branch, call.need("path"))
    return Reply(204)


@routes.add("POST", f"{_BRANCH}/objects/delete")
def delete_many(call: Call, repository: str, branch: str) -> Reply:
    asked = call.read(models.PathList)
    if len(asked.paths) > call.lakefs.page_items:
        raise LakeFSError(500, f"delete paths: too many, at most {call.lakefs.page_items}")
    with call.lakefs.store.changing():
        for path in asked.paths:
            _delete(call, repository, branch, path)
    return reply(make(models.ObjectErrorList, errors=[]))


def _delete(call: Call, repository: str, branch: str, path: str) -> None:
    head(call, repository, branch)
    check_writable(call, repository, branch, "write to")
    call.lakefs.store.stage(repository, branch, path, None)


@routes.add("GET HEAD", f"{_REF}/objects")
def read(call: Call, repository: str, ref: str) -> Reply:
    path = call.need("path")
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        entry = entry_at(call.lakefs.store, repository, ref, path)
    size, asked = entry["size"], call.sent.headers.get("Range", "")
    match = _RANGE.fullmatch(asked)
    start = int(match[1]) if match else 0
    end = min(int(match[2]) if match and match[2] else size - 1, size - 1)
    if match and start >= size:
        headers = {"Content-Range": f"bytes */{size}"}
        return Reply(416, b"", headers)
    headers = {
        "ETag": f'"{entry["checksum"]}"',
        "Content-Type": entry["content_type"],
        "Content-Length": str(end - start + 1),
    }
    if match:
        headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    body = b"" if call.sent.method == "HEAD" else call.lakefs.read_object(entry)[start : end + 1]
    if call.sent.method != "HEAD":
        headers["Content-Length"] = str(len(body))
    return Reply(206 if match else 200, body, headers)


@routes.add("GET", f"{_REF}/objects/stat")
def stat(call: Call, repository: str, ref: str) -> Reply:
    path = call.need("path")
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        return reply(describe(path, entry_at(call.lakefs.store, repository, ref, path)))


@routes.add("GET", f"{_REF}/objects/ls")
def list_objects(call: Call, repository: str, ref: str) -> Reply:
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        tree = tree_at(call.lakefs.store, repository, ref)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    names: dict[str, Entry | None] = {}
    for path, entry in tree.items():
        if path.startswith(prefix):
            first, found, _ = path[len(prefix) :].partition(delimiter) if delimiter else ("",) * 3
            names[prefix + first + delimiter if found else path] = None if found else entry
    listed, pagination = page(list(names), call.query, call.lakefs.page_items)
    results = [
        describe(name, entry)
        if (entry := names[name]) is not None
        else make(
            models.ObjectStats,
            path=name,
            path_type="common_prefix",
            physical_address="",
            checksum="",
            mtime=0,
        )
        for name in listed
    ]
    return reply(make(models.ObjectStatsList, pagination=pagination, results=results))


@routes.add("GET", "/repositories/{repository}/commits/{commit}")
def show_commit(call: Call, repository: str, commit: str) -> Reply:
    store = call.lakefs.store
    with store.changing():
        call.lakefs.repository(repository)
        found = store.commit(repository, resolve(store, repository, commit).commit)
    if found is None:
        raise not_found("commit")
    return reply(make(models.Commit, **found))


@routes.add("GET", f"{_REF}/commits")
def log(call: Call, repository: str, ref: str) -> Reply:
    store = call.lakefs.store
    with store.changing():
        call.lakefs.repository(repository)
        prefix = call.query.get("prefixes", "")
        commits = {
            one["id"]: one
            for one in history(store, repository, resolve(store, repository, ref).commit)
            if not prefix or _changes_path(store, repository, one, prefix)
        }
    order = list(commits)
    places = {name: f"{index:09d}" for index, name in enumerate(order)}
    query = {**call.query, "after": places.get(call.query.get("after", ""), "")}
    listed, pagination = page(order, query, call.lakefs.page_items, places.__getitem__)
    if pagination["has_more"]:
        pagination["next_offset"] = listed[-1]
    results = [make(models.Commit, **commits[name]) for name in listed]
    return reply(make(models.CommitList, pagination=pagination, results=results))


def _changes_path(store: Store, repository: str, commit: dict[str, Any], prefix: str) -> bool:
    """Whether a commit changed something below a path; of merges lakeFS does not look."""
    if len(commit["parents"]) != 1:
        return False
    trees = (store.tree_of(repository, one) for one in (*commit["parents"], commit["id"]))
    return any(path.startswith(prefix) for path in changes(*trees))


@routes.add("GET", f"{_REF}/diff/{{right}}")
def diff(call: Call, repository: str, ref: str, right: str) -> Reply:
    store = call.lakefs.store
    with store.changing():
        call.lakefs.repository(repository)
        one, other = (resolve(store, repository, name).commit for name in (ref, right))
        if call.query.get("type", "three_dot") == "three_dot":
            one = merge_base(store, repository, one, other)
        found = changes(store.tree_of(repository, one), store.tree_of(repository, other))
    return list_changes(call, found)
