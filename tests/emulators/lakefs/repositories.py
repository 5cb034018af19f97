"""Repositories, their tags, and how the server is configured."""

import json
import re
import time
from fnmatch import fnmatchcase

import lakefs_sdk as models

from ..http_service import Reply
from .errors import LakeFSError, invalid, not_found
from .refs import resolve
from .server import Call, Routes, make, reply
from .trees import page

routes = Routes()

_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_BRANCH = re.compile(r"\w[-\w]*")
_NO_TAG = re.compile(r"@|.*(\.|\.lock|/)|.*(\.\.|//|@\{|[\^:?*\[\\\s\x00-\x1f\x7f]).*", re.DOTALL)


def check_branch_id(name: str) -> None:
    """Refuses what is no name of a branch."""
    if not _BRANCH.fullmatch(name):
        raise LakeFSError(
            400,
            "argument branch: branch id: invalid value: validation error: branch id must consist "
            "of letters, digits, underscores and dashes, and cannot start with a dash",
        )


@routes.add("GET", "/config")
def config(call: Call) -> Reply:
    storage = make(
        models.StorageConfig,
        blockstore_type="s3",
        blockstore_namespace_example="s3://example-bucket/",
        blockstore_namespace_ValidityRegex="^s3://",
        default_namespace_prefix=None,
        pre_sign_support=False,
        pre_sign_support_ui=False,
        import_support=True,
        import_validity_regex="^s3://",
    )
    version = make(models.VersionConfig, version="1.50.0")
    return reply(make(models.Config, version_config=version, storage_config=storage))


@routes.add("POST", "/repositories")
def create(call: Call) -> Reply:
    asked = call.read(models.RepositoryCreation)
    if not _REPOSITORY.fullmatch(asked.name):
        raise invalid("argument repository: repository id")
    branch = asked.default_branch or "main"
    check_branch_id(branch)
    call.lakefs.bucket_of(asked.storage_namespace)
    store = call.lakefs.store
    with store.changing():
        try:
            store.repository(asked.name)
        except LakeFSError:
            pass
        else:
            raise LakeFSError(409, "repository already exists: not unique")
        store.write_repository(
            {
                "id": asked.name,
                "creation_date": int(time.time()),
                "default_branch": branch,
                "storage_namespace": asked.storage_namespace,
                "read_only": bool(asked.read_only),
                "protected": [],
                "deleting": False,
            }
        )
        first = store.add_commit(asked.name, {}, [], "Repository created", {}, "")
        store.point("branches", asked.name, branch, first)
        return reply(_describe(store.repository(asked.name)), 201)


@routes.add("GET", "/repositories/{repository}")
def show(call: Call, repository: str) -> Reply:
    return reply(_describe(call.lakefs.repository(repository)))


def _describe(value: dict) -> models.Repository:
    fields = {name: kept for name, kept in value.items() if name not in ("protected", "deleting")}
    return make(models.Repository, **fields)


@routes.add("GET", "/repositories/{repository}/settings/branch_protection")
def protection(call: Call, repository: str) -> Reply:
    patterns = call.lakefs.repository(repository)["protected"]
    rules = [make(models.BranchProtectionRule, pattern=pattern) for pattern in patterns]
    return Reply(200, f"[{','.join(rule.to_json() for rule in rules)}]".encode())


@routes.add("PUT", "/repositories/{repository}/settings/branch_protection")
def protect(call: Call, repository: str) -> Reply:
    rules = [
        make(models.BranchProtectionRule, **rule) for rule in json.loads(call.sent.body.read())
    ]
    store = call.lakefs.store
    with store.changing():
        value = call.lakefs.repository(repository)
        value["protected"] = [rule.pattern for rule in rules]
        store.write_repository(value)
    return Reply(204)


def check_writable(call: Call, repository: str, branch: str, what: str) -> None:
    """Refuses to change a protected branch, or a repository that is only read."""
    value = call.lakefs.repository(repository)
    if value["read_only"]:
        raise LakeFSError(403, "read-only repository")
    if any(fnmatchcase(branch, pattern) for pattern in value["protected"]):
        raise LakeFSError(403, f"cannot {what} protected branch")


@routes.add("GET", "/repositories/{repository}/tags")
def tags(call: Call, repository: str) -> Reply:
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        found = call.lakefs.store.names("tags", repository)
    prefix = call.query.get("prefix", "")
    names = [name for name in found if name.startswith(prefix)]
    names, pagination = page(names, call.query, call.lakefs.page_items)
    refs = [make(models.Ref, id=name, commit_id=found[name]) for name in names]
    return reply(make(models.RefList, pagination=pagination, results=refs))


@routes.add("POST", "/repositories/{repository}/tags")
def create_tag(call: Call, repository: str) -> Reply:
    asked = call.read(models.TagCreation)
    store = call.lakefs.store
    with store.changing():
        call.lakefs.repository(repository)
        if not asked.id or _NO_TAG.fullmatch(asked.id):
            raise invalid("argument tag: tag id")
        if asked.id in store.names("branches", repository):
            raise LakeFSError(409, f"branch ID {asked.id}: not unique")
        if asked.id in store.names("tags", repository):
            raise LakeFSError(409, "tag already exists: not unique")
        found = resolve(store, repository, asked.ref)
        store.point("tags", repository, asked.id, found.commit)
        return reply(make(models.Ref, id=asked.id, commit_id=found.commit), 201)


@routes.add("GET", "/repositories/{repository}/tags/{tag}")
def show_tag(call: Call, repository: str, tag: str) -> Reply:
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        found = call.lakefs.store.names("tags", repository).get(tag)
    if found is None:
        raise not_found("tag")
    return reply(make(models.Ref, id=tag, commit_id=found))


@routes.add("DELETE", "/repositories/{repository}/tags/{tag}")
def delete_tag(call: Call, repository: str, tag: str) -> Reply:
    with call.lakefs.store.changing():
        call.lakefs.repository(repository)
        if tag not in call.lakefs.store.names("tags", repository):
            raise not_found("tag")
        call.lakefs.store.unpoint("tags", repository, tag)
    return Reply(204)
