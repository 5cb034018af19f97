"""lakeFS, asked by its own client: with timeouts, retries, and refusals in words."""

from __future__ import annotations

import itertools
import json
import urllib.parse
from collections.abc import Callable, Iterator
from typing import IO, Any, TypeVar

import lakefs_sdk
import urllib3
from lakefs_sdk.client import LakeFSClient

from stores.address import MANIFESTS, LakeFSAddress
from stores.errors import StoreError
from stores.manifest import Entry, Manifest, check_entries, read_manifest

T = TypeVar("T")

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
_TRIES = 5
_LONGEST_WAIT = 120  # seconds between two tries, whatever the server asks for
# What is asked again: too many requests, and what a server or a proxy says when it is overloaded.
_BUSY = (429, 502, 503, 504)
_CONNECTIONS = 32
_PAGE = 1000
_HINTS = {
    400: "correct what was asked",
    401: "lakeFS does not know these keys: correct LAKEFS_ACCESS_KEY_SECRET and "
    "LAKEFS_SECRET_KEY_SECRET, or what they name",
    403: "the branch is protected, or the keys may not do this: use another branch, or ask whoever "
    "administers lakeFS",
    404: "correct the address",
    409: "somebody else changed the same; do the same again, or merge by hand",
    410: "it was deleted; choose another",
    416: "the object is shorter than it was: it was changed under its version",
    412: "a hook of the repository refuses it; mend what it names",
}


class LakeFS:
    """A lakeFS server.

    Args:
        endpoint: its address, such as http://127.0.0.1:8003.
        access_key: its access key id.
        secret_key: the secret that belongs to it.
        read_seconds: how long an answer may take.
        reconnections: how often a connection is tried again that is not made, as while a server
            starts again.
    """

    def __init__(
        self,
        endpoint: str,
        access_key: str,
        secret_key: str,
        *,
        read_seconds: float = READ_SECONDS,
        reconnections: int = _TRIES,
    ) -> None:
        self.endpoint = endpoint
        configuration = lakefs_sdk.Configuration(
            host=endpoint, username=access_key, password=secret_key
        )
        configuration.connection_pool_maxsize = _CONNECTIONS
        # Every call may be made twice, for whoever makes one looks at what is there: an answer that
        # was lost is then no failure.
        configuration.retries = urllib3.Retry(
            total=_TRIES,
            read=1,
            connect=reconnections,
            backoff_factor=0.2,
            status_forcelist=_BUSY,
            allowed_methods=None,
            raise_on_status=False,
            retry_after_max=_LONGEST_WAIT,
        )
        self._client = LakeFSClient(configuration)
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._wait = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)

    @property
    def api(self) -> LakeFSClient:
        """The client, whose methods `ask` calls."""
        return self._client

    def ask(self, what: str, method: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        """Call a method of the client.

        Args:
            what: is done, for a message: "commit to lakefs://repo/main".
            method: of one of the client's APIs.
            *arguments: of the method.
            **keywords: of the method.

        Raises:
            StoreError: the server refuses it, or cannot be reached.
        """
        try:
            return method(*arguments, **keywords, _request_timeout=self._timeout)
        except lakefs_sdk.ApiException as error:
            raise self._refusal(what, error.status, error.body, error.reason) from None
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(what, error) from None
        except ValueError as error:  # of the client's models, or of JSON
            raise StoreError(
                f"What answers at {self.endpoint}, to {what}, is no lakeFS, or one of another "
                f"version ({type(error).__name__}); correct LAKEFS_ENDPOINT."
            ) from None

    def _refusal(self, what: str, status: int | None, body: Any, reason: str | None) -> StoreError:
        try:
            said = str(json.loads(body)["message"])
        except (TypeError, ValueError, KeyError):
            said = str(reason or "no reason is given")
        if status in _BUSY:
            hint = f"the server is busy, also after {_TRIES} more tries; try again later"
        else:
            hint = _HINTS.get(status or 0, "see the log of the server")
        return StoreError(f"lakeFS refuses to {what}: {said} ({status}); {hint}.", status)

    def _unreachable(self, what: str, error: Exception) -> StoreError:
        cause = getattr(error, "reason", None) or error
        kind = "does not answer" if "imed out" in str(cause) else "cannot be reached"
        return StoreError(
            f"lakeFS at {self.endpoint} {kind}, to {what} ({type(cause).__name__}); correct "
            "LAKEFS_ENDPOINT, or look whether it runs."
        )

    def missing(self, method: Callable[..., T], *arguments: Any) -> T | None:
        """Call a method; None where what it is about is not there."""
        try:
            return self.ask("look", method, *arguments)
        except StoreError as error:
            if error.status == 404:
                return None
            raise

    def pages(
        self, what: str, method: Callable[..., Any], *arguments: Any, **keywords: Any
    ) -> Iterator[Any]:
        """Yield the items of all pages of a list."""
        after = ""
        while True:
            page = self.ask(what, method, *arguments, **keywords, after=after, amount=_PAGE)
            yield from page.results
            if not page.pagination.has_more:
                return
            after = page.pagination.next_offset

    def resolve(self, address: LakeFSAddress) -> LakeFSAddress:
        """Find the commit that an address means now.

        Raises:
            StoreError: there is no such repository or reference, it means two things, or has
                changes that are not committed and would be left out.
        """
        repository, ref = address.repository, address.ref
        if address.fixed:
            return address
        branch = self.missing(self.api.branches_api.get_branch, repository, ref)
        tag = self.missing(self.api.tags_api.get_tag, repository, ref)
        if branch and tag and branch.commit_id != tag.commit_id:
            raise StoreError(
                f"{ref} is a branch and a tag of {repository}, of different commits; name the "
                f"commit, {address.at(branch.commit_id)} or {address.at(tag.commit_id)}."
            )
        found = branch or tag
        commit = found.commit_id if found else self.commit(address).id
        if branch:
            self._refuse_uncommitted(address, commit)
        return address.at(commit)

    def commit(self, address: LakeFSAddress) -> Any:
        """Return the commit of an address's reference, as the service describes it.

        Raises:
            StoreError: there is no such repository or reference.
        """
        what = f"find {address}"
        self.ask(what, self.api.repositories_api.get_repository, address.repository)
        return self.ask(what, self.api.commits_api.get_commit, address.repository, address.ref)

    def _refuse_uncommitted(self, address: LakeFSAddress, commit: str) -> None:
        changed = self.ask(
            f"look at {address}",
            self.api.branches_api.diff_branch,
            address.repository,
            address.ref,
            prefix=address.prefix,
            amount=1,
        )
        if changed.results:
            raise StoreError(
                f"The branch {address.ref} has changes below {address} that are not committed, "
                f"such as {changed.results[0].path}; commit them with `visionpipe data commit`, or "
                f"take what is committed: {address.at(commit)}."
            )

    def entries(self, address: LakeFSAddress) -> tuple[Entry, ...]:
        """List the objects of an address, with the digests that were noted of them.

        Raises:
            StoreError: there are none, some cannot be files of one folder, or some have neither a
                noted digest nor one from the service.
        """
        listed = [
            Entry(
                path=found.path[len(address.prefix) :], size=found.size_bytes, etag=found.checksum
            )
            for found in self.list_objects(address)
        ]
        entries = check_entries(listed, str(address))
        noted = self.noted(address)
        known = [
            noted[one] if (one := (entry.path, entry.size, entry.etag)) in noted else entry
            for entry in entries
        ]
        unknown = [entry.path for entry in known if not (entry.sha256 or entry.md5)]
        if unknown:
            raise StoreError(
                f"{len(unknown)} objects below {address}, such as {unknown[0]}, were uploaded in "
                "parts, and have no digest by which a change is noticed; note their digests with "
                "`visionpipe data import --by-reference`."
            )
        return tuple(known)

    def list_objects(self, address: LakeFSAddress) -> Iterator[Any]:
        """List the objects of an address as the service describes them, without manifests."""
        listed = self.pages(
            f"list {address}",
            self.api.objects_api.list_objects,
            address.repository,
            address.ref,
            prefix=address.prefix,
        )
        return (found for found in listed if not found.path.startswith(f"{MANIFESTS}/"))

    def log(self, address: LakeFSAddress, amount: int) -> Iterator[Any]:
        """Return the commits up to an address's reference, newest first, as the service has them.

        Of a path those that changed it; merges, which repeat what was committed, are not of them.
        """
        commits = self.pages(
            f"read the log of {address}",
            self.api.refs_api.log_commits,
            address.repository,
            address.ref,
            **({"prefixes": [address.prefix]} if address.path else {}),
        )
        return itertools.islice(commits, amount)

    def changes(self, address: LakeFSAddress, ref: str | None) -> Iterator[Any]:
        """Return what differs below an address's path at another reference.

        Args:
            address: the earlier one.
            ref: the later one; None for what is not committed on the address's branch.
        """
        what, prefix = f"compare {address}", address.prefix
        if ref is None:
            branches = self.api.branches_api
            return self.pages(
                what, branches.diff_branch, address.repository, address.ref, prefix=prefix
            )
        return self.pages(
            what,
            self.api.refs_api.diff_refs,
            address.repository,
            address.ref,
            ref,
            prefix=prefix,
            type="two_dot",
        )

    def noted(self, address: LakeFSAddress) -> dict[tuple[str, int, str], Entry]:
        """Return the digests that were noted of an address's objects by path, size and checksum."""
        found = self.missing(
            self.api.objects_api.stat_object,
            address.repository,
            address.ref,
            address.manifest_path,
        )
        if found is None:
            return {}
        manifest = self.read_manifest(address)
        return {(entry.path, entry.size, entry.etag): entry for entry in manifest.entries}

    def read_manifest(self, address: LakeFSAddress) -> Manifest:
        """Read the digests that were noted of an address's objects."""
        content = self.ask(
            f"read {address.manifest_path}",
            self.api.objects_api.get_object,
            address.repository,
            address.ref,
            address.manifest_path,
        )
        return read_manifest(bytes(content), f"{address.manifest_path} of {address.repository}")

    def read(self, address: LakeFSAddress, entry: Entry, start: int, size: int) -> bytes:
        """Read bytes of an object.

        Raises:
            StoreError: it cannot be read, or is shorter than the entry says.
        """
        whole = start == 0 and size == entry.size
        content = self.ask(
            f"read {entry.path} of {address}",
            self.api.objects_api.get_object,
            address.repository,
            address.ref,
            address.prefix + entry.path,
            **({} if whole else {"range": f"bytes={start}-{start + size - 1}"}),
        )
        return bytes(content)

    def upload(self, address: LakeFSAddress, path: str, body: IO[bytes] | bytes) -> None:
        """Write an object to a branch.

        The client's own method holds a file in memory and sends no empty one, so that the request
        is made here, as lakeFS documents it.

        Args:
            address: its reference is the branch.
            path: within the repository.
            body: a file, at its beginning, or bytes.
        """
        what = f"write {path} to {address}"
        client = self.api.objects_api.api_client
        headers = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
        resource = urllib.parse.quote(
            f"/repositories/{address.repository}/branches/{address.ref}/objects"
        )
        client.update_params_for_auth(headers, None, ["basic_auth"], resource, "POST", None)
        url = f"{client.configuration.host}{resource}?{urllib.parse.urlencode({'path': path})}"
        try:
            answer = client.rest_client.pool_manager.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=self._wait,
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(what, error) from None
        if answer.status != 201:
            raise self._refusal(what, answer.status, answer.data, answer.reason)
