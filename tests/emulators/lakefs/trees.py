"""What differs between trees of objects, and what they have in common."""

import heapq
from collections.abc import Callable, Iterator
from typing import Any

from .store import Entry, Store, Tree


def identity(entry: Entry | None) -> object:
    """What two objects must have in common to be the same one: not when it was written."""
    return entry and (entry["checksum"], entry["size"], sorted(entry["metadata"].items()))


def apply(tree: Tree, staged: dict[str, Entry | None]) -> dict[str, Entry]:
    """A tree with what was written on top of it, sorted by path."""
    written = {**tree, **staged}
    return {path: entry for path, entry in sorted(written.items()) if entry is not None}


def changes(before: Tree, after: Tree) -> dict[str, str]:
    """What was done to each path: added, removed or changed, sorted."""
    found = {}
    for path in sorted(before.keys() | after.keys()):
        one, other = before.get(path), after.get(path)
        if identity(one) != identity(other):
            found[path] = "added" if one is None else "removed" if other is None else "changed"
    return found


def merge(
    base: Tree, source: Tree, destination: Tree, strategy: str | None
) -> tuple[dict[str, Entry], list[str]]:
    """Merges three ways; returns the tree and the paths that both sides changed."""
    merged, conflicts = dict(destination), []
    theirs = changes(base, destination)
    for path in changes(base, source):
        one, other = source.get(path), destination.get(path)
        if path in theirs and identity(one) != identity(other):
            if strategy is None:
                conflicts.append(path)
            if strategy != "source-wins":
                continue
        if one is None:
            merged.pop(path, None)
        else:
            merged[path] = one
    return dict(sorted(merged.items())), conflicts


def history(store: Store, repository: str, commit_id: str) -> Iterator[dict[str, Any]]:
    """The commits up to one, newest first."""
    seen = {commit_id}
    waiting: list[tuple[int, int, str]] = []

    def wait(one: str) -> None:
        commit = store.commit(repository, one)
        assert commit is not None
        heapq.heappush(waiting, (-commit["generation"], -commit["creation_date"], one))

    wait(commit_id)
    while waiting:
        commit = store.commit(repository, heapq.heappop(waiting)[-1])
        assert commit is not None
        yield commit
        for parent in commit["parents"]:
            if parent not in seen:
                seen.add(parent)
                wait(parent)


def merge_base(store: Store, repository: str, one: str, other: str) -> str:
    """The newest commit that both have behind them."""
    behind = {commit["id"] for commit in history(store, repository, one)}
    return next(
        commit["id"] for commit in history(store, repository, other) if commit["id"] in behind
    )


def page(
    names: list[str], query: dict[str, str], most: int, key: Callable[[str], str] = str
) -> tuple[list[str], dict[str, Any]]:
    """A page of a sorted list, and what lakeFS says of it.

    Args:
        names: All of the list.
        query: `after` and `amount` of the request.
        most: How many a page holds.
        key: What `after` is held against.
    """
    asked = int(query.get("amount") or -1)
    size = asked if 0 < asked <= most else most
    after = query.get("after", "")
    rest = [name for name in names if key(name) > after] if after else names
    found = rest[:size]
    more = len(rest) > size
    return found, {
        "has_more": more,
        "next_offset": key(found[-1]) if more else "",
        "results": len(found),
        "max_per_page": most,
    }
