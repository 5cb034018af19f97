"""Routes: commits, what precedes them, and listings of what they hold."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from urllib.parse import parse_qs

from .errors import HubError
from .lfs import check_quota
from .metadata import check_metadata, ignore_patterns, lfs_patterns, path_matches
from .repositories import lfs_fields, page_of, url_of
from .server import Call, Fields, Reply, Routes, json_reply, parse_object
from .storage import git_blob_id, lfs_pointer
from .store import Commit, Entry, Repository, Tree

Edit = Callable[[Tree], None]
routes = Routes()


@routes.add("POST", "/api/validate-yaml")
def validate_yaml(call: Call) -> Reply:
    fields = call.json()
    errors, warnings = check_metadata(fields["content"], f"{fields.get('repoType') or 'model'}s")
    return json_reply(
        {
            "errors": [{"message": message} for message in errors],
            "warnings": [{"message": message} for message in warnings],
        },
        status=400 if errors else 200,
    )


@routes.add("POST", "/api/{kind}/{id}/preupload/{rev}")
def preupload(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    repository, fields = call.repository(kind, repo_id, write=True), call.json()
    commit = repository.commit_at(revision)

    def text(path: str) -> str:
        return repository.content(commit.id, path).decode() if path in commit.tree else ""

    large = lfs_patterns(text(".gitattributes"))
    ignored = ignore_patterns(fields.get("gitIgnore", text(".gitignore")))
    answers = []
    for file in map(Fields, fields["files"]):
        path, entry = file["path"], commit.tree.get(file["path"], {})
        in_lfs = file["size"] > call.hub.limits.regular_bytes or any(
            path_matches(pattern, path) for pattern in large
        )
        # A file that changes between regular and LFS is another file: it has no oid to match.
        regular_oid = entry.get("oid") if "lfs" not in entry else None
        answers.append(
            {
                "path": path,
                "uploadMode": "lfs" if in_lfs else "regular",
                "shouldIgnore": any(path_matches(pattern, path) for pattern in ignored),
                "oid": entry.get("lfs") if in_lfs else regular_oid,
            }
        )
    return json_reply({"files": answers})


@routes.add("POST", "/api/{kind}/{id}/commit/{rev}")
def commit(call: Call, kind: str, repo_id: str, branch: str) -> Reply:
    repository = call.repository(kind, repo_id, write=True)
    if "create_pr" in call.query:
        raise HubError(400, "The emulator has no pull requests")
    lines = [parse_object(line) for line in call.body.read().splitlines() if line]
    if not lines or lines[0]["key"] != "header":
        raise HubError(400, "The first line of a commit must be its header")
    header = Fields(lines[0]["value"])
    edits, regular_bytes = [], 0
    for line in lines[1:]:
        edit, size = _edit(call, repository, line["key"], Fields(line["value"]))
        edits.append(edit)
        regular_bytes += size
    check_quota(call, repository.namespace, regular_bytes)

    def edit_all(tree: Tree) -> None:
        for edit in edits:
            edit(tree)
        for path in _folders(tree):
            if path in tree:
                raise HubError(400, f'"{path}" cannot be both a file and a folder')

    made = repository.write(
        branch,
        header.get("parentCommit"),
        header["summary"],
        header.get("description", ""),
        call.writer().user,
        edit_all,
    )
    return json_reply(
        {
            "success": True,
            "commitOid": made.id,
            "commitUrl": f"{url_of(call, kind, repo_id)}/commit/{made.id}",
        }
    )


def _edit(call: Call, repository: Repository, key: str, value: Fields) -> tuple[Edit, int]:
    """What one line of a commit does to the tree, and the regular bytes it brings."""
    path = value["path"].rstrip("/")
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise HubError(400, f'"{value["path"]}" is not a valid path')
    if key == "file":
        entry = _regular_entry(call, repository, path, value["content"])
        return lambda tree: tree.update({path: entry}), entry["size"]
    if key == "lfsFile":
        entry = _lfs_entry(repository, path, value["oid"])
        return lambda tree: tree.update({path: entry}), 0
    if key == "deletedFile":
        return lambda tree: _delete(tree, path, [path], "file"), 0
    if key == "deletedFolder":
        return (
            lambda tree: _delete(
                tree, path, [name for name in tree if name.startswith(f"{path}/")], "folder"
            ),
            0,
        )
    raise HubError(400, f'"{key}" is not an operation of a commit')


def _regular_entry(call: Call, repository: Repository, path: str, content: str) -> Entry:
    try:
        decoded = base64.b64decode(content, validate=True)
    except binascii.Error:
        raise HubError(400, f'The content of "{path}" is not valid base64') from None
    if len(decoded) > call.hub.limits.regular_bytes:
        limit = call.hub.limits.regular_bytes
        raise HubError(400, f'"{path}" is larger than {limit} bytes and must be stored in LFS')
    if path == "README.md":
        errors, _ = check_metadata(decoded.decode("utf-8", "replace"), repository.kind)
        if errors:
            raise HubError(400, f"Invalid metadata in README.md: {'; '.join(errors)}")
    return {"oid": repository.store.files.add_regular(decoded), "size": len(decoded)}


def _lfs_entry(repository: Repository, path: str, oid: str) -> Entry:
    if not repository.has_lfs(oid):
        raise HubError(
            400,
            "Your push was rejected because an LFS pointer pointed to a file that does not "
            f'exist: "{path}" is {oid}',
        )
    size = repository.store.files.blob(oid).stat().st_size
    return {"oid": git_blob_id(lfs_pointer(oid, size)), "size": size, "lfs": oid}


def _delete(tree: Tree, path: str, names: list[str], what: str) -> None:
    if not names or names[0] not in tree:
        message = f'A {what} with this name doesn\'t exist: "{path}"'
        raise HubError(404, message, "EntryNotFound")
    for name in names:
        del tree[name]


def _folders(tree: Tree) -> dict[str, str]:
    """The folders of a tree, with an id of what each one holds."""
    digests: dict[str, hashlib._Hash] = {}
    for path, entry in sorted(tree.items()):
        parts = path.split("/")
        for depth in range(1, len(parts)):
            digest = digests.setdefault("/".join(parts[:depth]), hashlib.sha1())
            digest.update(json.dumps([path, entry["oid"]]).encode())
    return {folder: digest.hexdigest() for folder, digest in digests.items()}


def _described(commit: Commit) -> dict[str, dict]:
    """The files and folders of a commit as listings have them, by path."""
    described: dict[str, dict] = {
        folder: {"type": "directory", "path": folder, "oid": oid, "size": 0}
        for folder, oid in _folders(commit.tree).items()
    }
    for path, entry in commit.tree.items():
        described[path] = {"type": "file", "path": path, "oid": entry["oid"], "size": entry["size"]}
        if "lfs" in entry:
            described[path]["lfs"] = lfs_fields(entry, "oid")
    return dict(sorted(described.items()))


@routes.add("GET", "/api/{kind}/{id}/tree/{rev}")
def tree(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    return tree_below(call, kind, repo_id, revision, "")


@routes.add("GET", "/api/{kind}/{id}/tree/{rev}/{path}")
def tree_below(call: Call, kind: str, repo_id: str, revision: str, folder: str) -> Reply:
    commit = call.repository(kind, repo_id).commit_at(revision)
    described = _described(commit)
    if folder and described.get(folder, {}).get("type") != "directory":
        raise HubError(
            404,
            f'Folder "{folder}" not found in revision "{revision}"',
            "EntryNotFound",
            headers={"X-Repo-Commit": commit.id},
        )
    prefix = f"{folder}/" if folder else ""
    deep = call.query.get("recursive", "").lower() in ("1", "true")
    return page_of(
        call,
        (
            item
            for path, item in described.items()
            if path.startswith(prefix) and (deep or "/" not in path.removeprefix(prefix))
        ),
    )


@routes.add("POST", "/api/{kind}/{id}/paths-info/{rev}")
def paths_info(call: Call, kind: str, repo_id: str, revision: str) -> Reply:
    described = _described(call.repository(kind, repo_id).commit_at(revision))
    asked = parse_qs(call.body.read().decode()).get("paths", [])
    return json_reply([described[path] for path in asked if path in described])
