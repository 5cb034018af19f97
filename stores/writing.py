"""What changes a lakeFS repository; each may be done again after an answer that was lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import lakefs_sdk

from stores.address import LakeFSAddress
from stores.errors import StoreError
from stores.lakefs import LakeFS

_NO_CHANGES = "no changes"


def create_branch(store: LakeFS, address: LakeFSAddress, source: str) -> None:
    """Make the branch of an address, unless there is one.

    Args:
        store: where.
        address: its reference is the branch's name.
        source: a reference that the branch begins at.
    """
    asked = lakefs_sdk.BranchCreation(name=address.ref, source=source)
    try:
        store.ask(
            f"make the branch {address.ref}",
            store.api.branches_api.create_branch,
            address.repository,
            asked,
        )
    except StoreError as error:
        if error.status != 409:
            raise


def head(store: LakeFS, address: LakeFSAddress) -> str:
    """Return the commit of the branch of an address.

    Raises:
        StoreError: its reference is no branch.
    """
    what = f"find the branch {address.ref} of {address.repository}"
    branches = store.api.branches_api
    return store.ask(what, branches.get_branch, address.repository, address.ref).commit_id


def drop_branch(store: LakeFS, address: LakeFSAddress) -> None:
    """Delete the branch of an address, if there is one."""
    store.missing(store.api.branches_api.delete_branch, address.repository, address.ref)


def commit(
    store: LakeFS, address: LakeFSAddress, message: str, metadata: Mapping[str, str] | None = None
) -> str | None:
    """Commit what is uncommitted on the branch of an address.

    Returns:
        The commit's id; None where nothing had changed.
    """
    asked = lakefs_sdk.CommitCreation(message=message, metadata=dict(metadata or {}))
    return _changed(
        store,
        f"commit to {address.repository}/{address.ref}",
        store.api.commits_api.commit,
        address.repository,
        address.ref,
        asked,
    )


def merge(
    store: LakeFS,
    source: LakeFSAddress,
    branch: str,
    message: str,
    metadata: Mapping[str, str] | None = None,
) -> str | None:
    """Merge the reference of an address into a branch.

    Returns:
        The merge's commit; None where the branch holds it all.
    """
    asked = lakefs_sdk.Merge(message=message, metadata=dict(metadata or {}))
    return _changed(
        store,
        f"merge {source.ref} into {source.repository}/{branch}",
        store.api.refs_api.merge_into_branch,
        source.repository,
        source.ref,
        branch,
        merge=asked,
    )


def _changed(store: LakeFS, what: str, *call: Any, **keywords: Any) -> str | None:
    try:
        answer = store.ask(what, *call, **keywords)
    except StoreError as error:
        if error.status == 400 and _NO_CHANGES in str(error):
            return None
        raise
    return answer.reference if hasattr(answer, "reference") else answer.id


def tag(store: LakeFS, address: LakeFSAddress, name: str) -> None:
    """Name the commit of a fixed address.

    Raises:
        StoreError: another commit is named so.
    """
    tags = store.api.tags_api
    found = store.missing(tags.get_tag, address.repository, name)
    if found is None:
        asked = lakefs_sdk.TagCreation(id=name, ref=address.ref)
        try:
            store.ask(f"tag {address} as {name}", tags.create_tag, address.repository, asked)
            return
        except StoreError as error:
            if error.status == 409:
                found = store.missing(tags.get_tag, address.repository, name)
            if found is None:
                raise
    if found.commit_id != address.ref:
        raise StoreError(
            f"{name} is a tag of {address.repository} already, of commit {found.commit_id}; choose "
            "another name, for a tag that moves names no version."
        )
