"""What a reference means: a commit, its beginning, a branch, a tag, and what is before them."""

import re
from typing import NamedTuple

from .errors import LakeFSError, not_found
from .store import Entry, Store, Tree
from .trees import apply

_HASH = re.compile(r"[a-fA-F0-9]{1,64}")
_EXPRESSION = re.compile(r"(?P<base>[^~^@$]+)(?P<marks>([~^]\d*|@)*)")
_MARK = re.compile(r"([~^])(\d*)|(@)")


class Resolved(NamedTuple):
    """What a reference stands for.

    Args:
        commit: The commit's id.
        branch: The branch whose uncommitted objects are seen as well, if one.
    """

    commit: str
    branch: str | None


def resolve(store: Store, repository: str, ref: str) -> Resolved:
    """Resolves a reference in the order that lakeFS has: a commit, a branch, a tag."""
    match = _EXPRESSION.fullmatch(ref)
    if match is None:
        raise LakeFSError(400, "ref: invalid value: validation error")
    commit, branch = _resolve_name(store, repository, match["base"])
    for kind, count, committed in _MARK.findall(match["marks"]):
        branch = None
        if committed:
            continue
        steps = int(count or 1)
        for _ in range(steps if kind == "~" else min(steps, 1)):
            found = store.commit(repository, commit) or {}
            index = steps - 1 if kind == "^" else 0
            if index >= len(found["parents"]):
                raise not_found("commit")
            commit = found["parents"][index]
    return Resolved(commit, branch)


def _resolve_name(store: Store, repository: str, name: str) -> Resolved:
    if _HASH.fullmatch(name):
        found = store.commits_like(repository, name.lower())
        if len(found) == 1:
            return Resolved(found[0], None)
    if commit := store.names("branches", repository).get(name):
        return Resolved(commit, name)
    if commit := store.names("tags", repository).get(name):
        return Resolved(commit, None)
    raise not_found(f"ref '{name}'")


def tree_at(store: Store, repository: str, ref: str) -> Tree:
    """The objects at a reference, with a branch's uncommitted ones."""
    found = resolve(store, repository, ref)
    tree = store.tree_of(repository, found.commit)
    return apply(tree, store.staged(repository, found.branch)) if found.branch else tree


def entry_at(store: Store, repository: str, ref: str, path: str) -> Entry:
    """An object at a reference; 404 where there is none."""
    found = resolve(store, repository, ref)
    if found.branch:
        written, entry = store.staged_one(repository, found.branch, path)
        if written and entry is None:
            raise not_found("object")
        if entry is not None:
            return entry
    entry = store.tree_of(repository, found.commit).get(path)
    if entry is None:
        raise not_found("object")
    return entry
