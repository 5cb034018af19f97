"""All traffic with lakeFS: one repository's branches, objects, commits and tags."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import lakefs_sdk
from lakefs_sdk.client import LakeFSClient
from lakefs_sdk.exceptions import ApiException

from components.lakefs_pusher.answers import LakeFSError, retrying, said

Result = TypeVar("Result")

_TIMEOUT = (10.0, 60.0)  # seconds, for a connection and between two pieces of an answer
_PAGE = 1000  # the most that lakeFS gives, and deletes, at a time
_NO_CHANGES = re.compile(r"no changes", re.IGNORECASE)
_DIRTY = re.compile(r"uncommitted changes|dirty branch", re.IGNORECASE)


class Overtaken(Exception):
    """Somebody else changed what was built on; all of it is to be done anew."""


class Stored(NamedTuple):
    """What tells an object from one of another content.

    Attributes:
        checksum: as lakeFS has it.
        size: bytes.
    """

    checksum: str
    size: int


class Repository:
    """A repository of lakeFS.

    Every request may be repeated: a crash anywhere is mended by doing all of it again.

    Args:
        endpoint: address of lakeFS.
        name: of the repository.
        key_id: of a key that may write to it.
        key: the key itself.
    """

    def __init__(self, endpoint: str, name: str, key_id: str, key: str) -> None:
        self.name = name
        self._endpoint = endpoint
        configuration = lakefs_sdk.Configuration(
            host=f"{endpoint}/api/v1", username=key_id, password=key
        )
        configuration.retries = False  # `retrying` does it, for as long as the server asks to
        self._client = LakeFSClient(configuration)

    @property
    def url(self) -> str:
        """Where people look at it."""
        return f"{self._endpoint}/repositories/{self.name}"

    def find(self) -> str | None:
        """Its default branch; None where there is no such repository."""
        found = self._find(self._client.repositories_api.get_repository)
        return None if found is None else found.default_branch

    def ensure(self, namespace: str | None) -> str:
        """Makes the repository where there is none; returns its default branch.

        Args:
            namespace: where a new one keeps its objects; None: where the server has it.

        Raises:
            LakeFSError: nothing says where a new one keeps its objects.
        """
        branch = self.find()
        if branch is not None:
            return branch
        asked = lakefs_sdk.RepositoryCreation(
            name=self.name, storage_namespace=namespace or self.default_namespace()
        )
        try:
            made = self._call(self._client.repositories_api.create_repository, asked)
        except ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            made = self._in(self._client.repositories_api.get_repository)  # another one made it
        return made.default_branch

    def default_namespace(self) -> str:
        """Where the server keeps the objects of a new repository that says nothing of it.

        Raises:
            LakeFSError: it has no such place.
        """
        storage = self._call(self._client.config_api.get_config).storage_config
        prefix = storage and storage.default_namespace_prefix
        if not prefix:
            raise LakeFSError(
                f"{self.url} does not exist, and nothing says where it would keep its objects: "
                "make it, or set LAKEFS_STORAGE_NAMESPACE to a place such as s3://bucket/folder."
            )
        return f"{prefix.rstrip('/')}/{self.name}"

    def head(self, branch: str) -> str:
        """The commit of a branch.

        Raises:
            Overtaken: there is no such branch any more.
        """
        with _unless_gone():
            return self._in(self._client.branches_api.get_branch, branch).commit_id

    def branches(self, prefix: str) -> list[str]:
        """The names of the branches that begin so."""
        return [one.id for one in self._pages(self._client.branches_api.list_branches, prefix)]

    def make_branch(self, name: str, commit: str) -> None:
        """Makes a branch of a commit, in the place of one of that name and all that it holds."""
        asked = lakefs_sdk.BranchCreation(name=name, source=commit)
        try:
            self._in(self._client.branches_api.create_branch, asked)
        except ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            self.delete_branch(name)
            self._in(self._client.branches_api.create_branch, asked)

    def delete_branch(self, name: str) -> None:
        """Deletes a branch, if it is there."""
        self._find(self._client.branches_api.delete_branch, name)

    def read(self, ref: str, path: str) -> bytes | None:
        """An object's content; None where there is none."""
        found = self._find(self._client.objects_api.get_object, ref, path)
        return None if found is None else bytes(found)

    def objects(self, ref: str, prefix: str) -> dict[str, Stored]:
        """The objects whose paths begin so, by path."""
        listed = self._pages(self._client.objects_api.list_objects, prefix, ref)
        return {one.path: Stored(one.checksum, one.size_bytes or 0) for one in listed}

    def write(self, branch: str, path: str, content: bytes) -> Stored:
        """Writes an object to a branch.

        Raises:
            Overtaken: there is no such branch any more.
        """
        # Of no content the client's own method makes no object.
        with _unless_gone():
            answer = self._call(
                self._client.objects_api.api_client.call_api,
                "/repositories/{repository}/branches/{branch}/objects",
                "POST",
                path_params={"repository": self.name, "branch": branch},
                query_params=[("path", path)],
                header_params={
                    "Accept": "application/json",
                    "Content-Type": "application/octet-stream",
                },
                body=content,
                response_types_map={"201": "ObjectStats"},
                auth_settings=["basic_auth"],
                _return_http_data_only=True,
            )
        if answer.size_bytes != len(content):
            raise LakeFSError(
                f"{self.url} holds {answer.size_bytes} of the {len(content)} bytes of {path}; run "
                "again."
            )
        return Stored(answer.checksum, answer.size_bytes)

    def delete(self, branch: str, paths: Sequence[str]) -> None:
        """Deletes objects of a branch.

        Raises:
            Overtaken: there is no such branch any more.
        """
        for first in range(0, len(paths), _PAGE):
            asked = lakefs_sdk.PathList(paths=list(paths[first : first + _PAGE]))
            with _unless_gone():
                self._in(self._client.objects_api.delete_objects, branch, asked)

    def commit(self, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Commits what was written to a branch; returns the branch's commit.

        It may be an earlier one: the answer to a commit that was made may have been lost.

        Raises:
            Overtaken: there is no such branch any more.
        """
        asked = lakefs_sdk.CommitCreation(message=message, metadata=dict(metadata))
        try:
            with _unless_gone():
                return self._in(self._client.commits_api.commit, branch, asked).id
        except ApiException as error:
            if error.status != HTTPStatus.BAD_REQUEST or not _NO_CHANGES.search(said(error)):
                raise
        return self.head(branch)

    def merge(self, commit: str, branch: str, message: str, metadata: Mapping[str, str]) -> str:
        """Merges a commit into a branch; returns the branch's commit.

        Raises:
            Overtaken: the branch has moved in a way that cannot be merged with.
            LakeFSError: somebody has left changes on the branch uncommitted.
        """
        asked = lakefs_sdk.Merge(message=message, metadata=dict(metadata))
        try:
            return self._in(
                self._client.refs_api.merge_into_branch, commit, branch, merge=asked
            ).reference
        except ApiException as error:
            told = said(error)
            if error.status == HTTPStatus.CONFLICT:
                raise Overtaken(told) from error
            if error.status == HTTPStatus.BAD_REQUEST and _DIRTY.search(told):
                raise LakeFSError(
                    f"{self.url} has uncommitted changes on its branch {branch}; commit or reset "
                    "them, and run again."
                ) from error
            if error.status != HTTPStatus.BAD_REQUEST or not _NO_CHANGES.search(told):
                raise
        return self.head(branch)  # merged before: the answer was lost

    def tag(self, name: str) -> str | None:
        """The commit of a tag; None where there is none."""
        found = self._find(self._client.tags_api.get_tag, name)
        return None if found is None else found.commit_id

    def make_tag(self, name: str, commit: str) -> str:
        """Makes a tag, if there is none; returns its commit.

        Raises:
            LakeFSError: a branch is called so.
        """
        asked = lakefs_sdk.TagCreation(id=name, ref=commit)
        try:
            return self._in(self._client.tags_api.create_tag, asked).commit_id
        except ApiException as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
        found = self.tag(name)
        if found is None:
            raise LakeFSError(
                f"{self.url} has a branch called {name}, which is to be a tag's name; delete or "
                "rename it."
            )
        return found

    def log(self, branch: str, prefix: str) -> Iterator[Any]:
        """The newest commits that changed objects whose paths begin so; a page of them."""
        listed = self._in(
            self._client.refs_api.log_commits, branch, prefixes=[prefix], amount=_PAGE
        )
        yield from listed.results

    def _pages(self, function: Callable[..., Any], prefix: str, *arguments: str) -> Iterator[Any]:
        """All of a list that comes in pages."""
        after = ""
        while True:
            page = self._in(function, *arguments, prefix=prefix, after=after, amount=_PAGE)
            yield from page.results
            if not page.pagination.has_more:
                return
            after = page.pagination.next_offset

    def _find(self, function: Callable[..., Result], *arguments: Any) -> Result | None:
        """Calls what is answered with 404 where there is nothing of the name."""
        try:
            return self._in(function, *arguments)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _in(self, function: Callable[..., Result], *arguments: Any, **keywords: Any) -> Result:
        """Calls a method whose first argument is the repository."""
        return self._call(function, self.name, *arguments, **keywords)

    def _call(self, function: Callable[..., Result], *arguments: Any, **keywords: Any) -> Result:
        """Calls the client, again where that helps; no answer is waited for without end."""
        return retrying()(function, *arguments, _request_timeout=_TIMEOUT, **keywords)


@contextlib.contextmanager
def _unless_gone() -> Iterator[None]:
    """Takes the absence of a branch that was there for a sign that somebody else works on it."""
    try:
        yield
    except ApiException as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        raise Overtaken(said(error)) from error
