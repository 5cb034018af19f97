"""A repository of lakeFS, as far as a push of a model needs it."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

import lakefs_sdk

from components.lakefs_pusher.config import LakeFSConfig
from stores import writing
from stores.address import LakeFSAddress
from stores.errors import StoreError
from stores.lakefs import LakeFS
from stores.manifest import Entry

Result = TypeVar("Result")

_AT_ONCE = 1000  # the most objects that lakeFS deletes at once, and commits that are looked at
_DIRTY = re.compile(r"uncommitted changes|dirty branch", re.IGNORECASE)


class Overtaken(Exception):
    """Somebody else changed what was built on; all of it is to be done again."""


class Repository:
    """A repository of lakeFS.

    Every request may be repeated: a crash anywhere is mended by doing all of it again.

    Args:
        store: the server.
        config: which of its repositories.
        folder: that a model has in it, without a slash at either end.

    Raises:
        StoreError: nothing says which one.
    """

    def __init__(self, store: LakeFS, config: LakeFSConfig, folder: str) -> None:
        if not config.lakefs_repository:
            raise StoreError("There is nowhere to push to: set LAKEFS_REPOSITORY to a name.")
        self.name = config.lakefs_repository
        self.url = f"{store.endpoint}/repositories/{self.name}"
        self.folder = folder
        self._namespace = config.lakefs_storage_namespace
        self._store = store

    def find(self) -> str | None:
        """Its default branch; None where there is no such repository."""
        found = self._store.missing(self._api.repositories_api.get_repository, self.name)
        return None if found is None else found.default_branch

    def ensure(self) -> str:
        """Make the repository where there is none; return its default branch.

        Raises:
            StoreError: it may not be made, or nothing says where it keeps its objects.
        """
        branch = self.find()
        if branch is not None:
            return branch
        asked = lakefs_sdk.RepositoryCreation(name=self.name, storage_namespace=self.namespace())
        try:
            made = self._ask("make", self._api.repositories_api.create_repository, asked)
        except StoreError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # Another one made it.
            made = self._ask("find", self._api.repositories_api.get_repository, self.name)
        return made.default_branch

    def namespace(self) -> str:
        """Where a repository that is made keeps its objects.

        Raises:
            StoreError: neither the settings nor the server say so.
        """
        if self._namespace:
            return self._namespace
        storage = self._ask("make", self._api.config_api.get_config).storage_config
        prefix = storage and storage.default_namespace_prefix
        if not prefix:
            raise StoreError(
                f"{self.url} does not exist, and nothing says where it would keep its objects: "
                "make it, or set LAKEFS_STORAGE_NAMESPACE to a place such as s3://bucket/folder."
            )
        return f"{prefix.rstrip('/')}/{self.name}"

    def head(self, branch: str) -> str:
        """Return the commit of a branch."""
        return writing.head(self._store, self._at(branch))

    def branches(self, prefix: str) -> list[str]:
        """Return the names of the branches that begin so."""
        listed = self._api.branches_api.list_branches
        return [one.id for one in self._store.pages("list", listed, self.name, prefix=prefix)]

    def make_branch(self, name: str, commit: str) -> None:
        """Make a branch of a commit, in the place of one of that name and all that it holds."""
        self.delete_branch(name)
        writing.create_branch(self._store, self._at(name), commit)

    def delete_branch(self, name: str) -> None:
        """Delete a branch, if it is there."""
        writing.drop_branch(self._store, self._at(name))

    def read(self, ref: str, path: str) -> bytes | None:
        """Return a file of the folder; None where there is none."""
        get = self._api.objects_api.get_object
        found = self._store.missing(get, self.name, ref, f"{self.folder}/{path}")
        return None if found is None else bytes(found)

    def files(self, ref: str) -> dict[str, Entry]:
        """Return the files of the folder, by their paths in it."""
        address = self._at(ref)
        return {
            path: Entry(path=path, size=found.size_bytes, etag=found.checksum)
            for found in self._store.list_objects(address)
            if (path := found.path.removeprefix(address.prefix))
        }

    def write(self, branch: str, path: str, file: Path) -> Entry:
        """Write a file of the folder; return what the branch is to hold then.

        Raises:
            Overtaken: there is no such branch any more.
        """
        with file.open("rb") as content:
            md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False))
            content.seek(0)
            with _unless_gone():
                self._store.upload(self._at(branch), f"{self.folder}/{path}", content)
        return Entry(path=path, size=file.stat().st_size, etag=md5.hexdigest())

    def delete(self, branch: str, paths: Sequence[str]) -> None:
        """Delete files of the folder.

        Raises:
            Overtaken: there is no such branch any more.
        """
        delete = self._api.objects_api.delete_objects
        for first in range(0, len(paths), _AT_ONCE):
            some = [f"{self.folder}/{path}" for path in paths[first : first + _AT_ONCE]]
            with _unless_gone():
                self._ask("delete from", delete, self.name, branch, lakefs_sdk.PathList(paths=some))

    def commit(self, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Commit what was written to a branch; return the branch's commit.

        It may be an earlier one: the answer to a commit that was made may have been lost.

        Raises:
            Overtaken: there is no such branch any more.
        """
        with _unless_gone():
            made = writing.commit(self._store, self._at(branch), message, metadata)
            return made or self.head(branch)

    def merge(self, commit: str, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Merge a commit into a branch; return the branch's commit.

        Raises:
            Overtaken: the branch has moved in a way that cannot be merged with.
            StoreError: somebody has left changes on the branch uncommitted, for example.
        """
        try:
            made = writing.merge(self._store, self._at(commit), branch, message, metadata)
        except StoreError as error:
            if error.status == HTTPStatus.CONFLICT:
                raise Overtaken(str(error)) from error
            if error.status == HTTPStatus.BAD_REQUEST and _DIRTY.search(str(error)):
                raise StoreError(
                    f"{self.url} has uncommitted changes on its branch {branch}; commit or reset "
                    "them, and run again."
                ) from error
            raise
        return made or self.head(branch)  # merged before: the answer was lost

    def tag(self, name: str) -> str | None:
        """Return the commit of a tag; None where there is none."""
        found = self._store.missing(self._api.tags_api.get_tag, self.name, name)
        return None if found is None else found.commit_id

    def make_tag(self, name: str, commit: str) -> None:
        """Make a tag of a commit."""
        writing.tag(self._store, self._at(commit), name)

    def log(self, branch: str) -> Iterator[Any]:
        """Return the newest commits of a branch. Of a path, lakeFS would leave out merges."""
        return self._store.log(LakeFSAddress(self.name, branch), _AT_ONCE)

    @property
    def _api(self) -> Any:
        return self._store.api

    def _at(self, ref: str) -> LakeFSAddress:
        return LakeFSAddress(self.name, ref, self.folder)

    def _ask(
        self, verb: str, method: Callable[..., Result], *arguments: Any, **keywords: Any
    ) -> Result:
        return self._store.ask(f"{verb} {self.name}", method, *arguments, **keywords)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Take the absence of a branch that was there for a sign that somebody else works on it."""
    try:
        yield
    except StoreError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise Overtaken(str(error)) from error
