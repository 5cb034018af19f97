"""Branches: their commits, what is uncommitted on them, merges and imports into them."""

import datetime
import uuid
from typing import Any

import lakefs_sdk as models

from ..http_service import Reply
from .errors import CONFLICT, DIRTY, NO_CHANGES, LakeFSError, not_found
from .refs import resolve
from .repositories import check_branch_id, check_writable
from .server import Call, Routes, make, reply
from .trees import apply, changes, merge, merge_base, page

routes = Routes()

_OF = "/repositories/{repository}/branches"
_ONE = f"{_OF}/{{branch}}"


def head(call: Call, repository: str, branch: str) -> str:
    """The commit of a branch; 404 where there is none."""
    call.lakefs.repository(repository)
    found = call.lakefs.store.names("branches", repository).get(branch)
    if found is None:
        raise not_found("branch")
    return found


def uncommitted(call: Call, repository: str, branch: str) -> dict[str, str]:
    """What differs on a branch from its commit."""
    store = call.lakefs.store
    tree = store.tree_of(repository, head(call, repository, branch))
    return changes(tree, apply(tree, store.staged(repository, branch)))


@routes.add("GET", _OF)
def list_all(call: Call, repository: str) -> Reply:
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        found = call.lakefs.store.names("branches", repository)
    prefix = call.query.get("prefix", "")
    names = [name for name in found if name.startswith(prefix)]
    names, pagination = page(names, call.query, call.lakefs.page_items)
    refs = [make(models.Ref, id=name, commit_id=found[name]) for name in names]
    return reply(make(models.RefList, pagination=pagination, results=refs))


@routes.add("POST", _OF)
def create(call: Call, repository: str) -> Reply:
    asked = call.read(models.BranchCreation)
    store = call.lakefs.store
    with store.changing():
        call.lakefs.repository(repository)
        check_branch_id(asked.name)
        if asked.name in store.names("branches", repository):
            raise LakeFSError(409, "branch already exists: not unique")
        if asked.name in store.names("tags", repository):
            raise LakeFSError(409, f"tag ID {asked.name}: not unique")
        if store.commit(repository, asked.name):
            raise LakeFSError(409, f"commit ID {asked.name}: conflict found")
        commit = resolve(store, repository, asked.source).commit
        store.point("branches", repository, asked.name, commit)
    return Reply(201, commit.encode(), {"Content-Type": "text/html"})


@routes.add("GET", _ONE)
def show(call: Call, repository: str, branch: str) -> Reply:
    with call.lakefs.store.changing():
        return reply(make(models.Ref, id=branch, commit_id=head(call, repository, branch)))


@routes.add("DELETE", _ONE)
def delete(call: Call, repository: str, branch: str) -> Reply:
    store = call.lakefs.store
    with store.changing():
        head(call, repository, branch)
        if branch == call.lakefs.repository(repository)["default_branch"]:
            raise LakeFSError(400, "cannot delete repository default branch")
        check_writable(call, repository, branch, "delete")
        store.unpoint("branches", repository, branch)
    return Reply(204)


@routes.add("PUT", _ONE)
def reset(call: Call, repository: str, branch: str) -> Reply:
    asked = call.read(models.ResetCreation)
    with call.lakefs.store.changing():
        head(call, repository, branch)
        check_writable(call, repository, branch, "write to")
        path = "" if asked.type == "reset" else asked.path or ""
        call.lakefs.store.unstage(repository, branch, path)
    return Reply(204)


@routes.add("GET", f"{_ONE}/diff")
def diff(call: Call, repository: str, branch: str) -> Reply:
    with call.lakefs.store.changing():
        found = uncommitted(call, repository, branch)
    return list_changes(call, found)


def list_changes(call: Call, found: dict[str, str]) -> Reply:
    """A page of changes by path."""
    prefix = call.query.get("prefix", "")
    paths = [path for path in found if path.startswith(prefix)]
    paths, pagination = page(paths, call.query, call.lakefs.page_items)
    listed = [make(models.Diff, path=one, type=found[one], path_type="object") for one in paths]
    return reply(make(models.DiffList, pagination=pagination, results=listed))


@routes.add("POST", f"{_ONE}/commits")
def commit(call: Call, repository: str, branch: str) -> Reply:
    asked = call.read(models.CommitCreation)
    store = call.lakefs.store
    with store.changing():
        parent = head(call, repository, branch)
        check_writable(call, repository, branch, "commit to")
        if not uncommitted(call, repository, branch) and not asked.allow_empty:
            raise LakeFSError(400, f"commit: {NO_CHANGES}")
        call.lakefs.run_hooks("pre-commit", branch)
        tree = apply(store.tree_of(repository, parent), store.staged(repository, branch))
        made = store.add_commit(
            repository, tree, [parent], asked.message, asked.metadata or {}, call.lakefs.user
        )
        store.point("branches", repository, branch, made)
        store.unstage(repository, branch)
        return reply(make(models.Commit, **(store.commit(repository, made) or {})), 201)


@routes.add("POST", "/repositories/{repository}/refs/{source}/merge/{branch}")
def merge_into(call: Call, repository: str, source: str, branch: str) -> Reply:
    asked = call.read(models.Merge)
    store = call.lakefs.store
    with store.changing():
        onto = head(call, repository, branch)
        theirs = resolve(store, repository, source).commit
        if store.staged(repository, branch):
            raise LakeFSError(400, DIRTY)
        base = store.tree_of(repository, merge_base(store, repository, theirs, onto))
        before = store.tree_of(repository, onto)
        merged, conflicts = merge(
            base, store.tree_of(repository, theirs), before, asked.strategy or None
        )
        if conflicts:
            raise LakeFSError(409, CONFLICT)
        if not changes(before, merged) and not (asked.allow_empty or asked.force):
            raise LakeFSError(400, NO_CHANGES)
        call.lakefs.run_hooks("pre-merge", branch)
        made = store.add_commit(
            repository,
            merged,
            [onto] if asked.squash_merge else [onto, theirs],
            asked.message or f"Merge '{source}' into '{branch}'",
            {".lakefs.merge.strategy": asked.strategy or "default", **(asked.metadata or {})},
            call.lakefs.user,
        )
        store.point("branches", repository, branch, made)
    return reply(make(models.MergeResult, reference=made))


@routes.add("POST", f"{_ONE}/import")
def begin_import(call: Call, repository: str, branch: str) -> Reply:
    asked = call.read(models.ImportCreation)
    store, import_id = call.lakefs.store, uuid.uuid4().hex
    with store.changing():
        head(call, repository, branch)
        check_writable(call, repository, branch, "write to")
    record = {"branch": branch, "completed": True, "update_time": _now()}
    try:
        found = call.lakefs.find_sources(asked.paths)
    except LakeFSError as error:
        record["error"] = {"message": error.message}
    else:
        record |= _import(call, repository, branch, asked, found)
    with store.changing():
        store.record_import(import_id, record)
    return reply(make(models.ImportCreationResponse, id=import_id), 202)


def _import(call: Call, repository: str, branch: str, asked: Any, found: dict) -> dict[str, Any]:
    """Commits objects by reference on top of a branch, in the place of what they are named like."""
    store = call.lakefs.store
    with store.changing():
        parent = head(call, repository, branch)
        if store.staged(repository, branch):
            return {"error": {"message": DIRTY}}
        before = store.tree_of(repository, parent)
        replaced = [one.destination for one in asked.paths if one.type == "common_prefix"]
        kept = {
            path: entry for path, entry in before.items() if not path.startswith(tuple(replaced))
        }
        made = store.add_commit(
            repository,
            dict(sorted({**kept, **found}.items())),
            [parent],
            asked.commit.message,
            asked.commit.metadata or {},
            call.lakefs.user,
        )
        store.point("branches", repository, branch, made)
        commit = store.commit(repository, made) or {}
        return {
            "ingested_objects": len(found),
            "metarange_id": commit["meta_range_id"],
            "commit": commit,
        }


@routes.add("GET", f"{_ONE}/import")
def import_status(call: Call, repository: str, branch: str) -> Reply:
    import_id = call.need("id")
    with call.lakefs.store.changing():
        head(call, repository, branch)
        record = call.lakefs.store.import_of(import_id)
    fields = {name: value for name, value in record.items() if name != "branch"}
    return reply(make(models.ImportStatus, **fields))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()
