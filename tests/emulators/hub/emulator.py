"""The emulator as tests use it."""

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from ..faults import Fault, Journal, Kind, Request
from . import commits, lfs, pages, repositories, spaces
from .accounts import Accounts, Identity
from .server import Handler, Routes
from .storage import FolderInUse
from .store import Commit, Repository, Store

if TYPE_CHECKING:
    from ..github import GithubEmulator


@dataclass
class Limits:
    """The sizes at which the Hub changes its ways; tests make them small.

    Args:
        regular_bytes: Files over this size are stored in LFS.
        multipart_bytes: LFS objects over this size are uploaded in parts.
        part_bytes: The size of these parts.
        page_items: How many items a page of a list holds.
    """

    regular_bytes: int = 10_000_000
    multipart_bytes: int = 5_000_000_000
    part_bytes: int = 500_000_000
    page_items: int = 1000


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # clients upload from many threads; with the default of 5 some wait


class HubEmulator:
    """A Hugging Face Hub on 127.0.0.1 whose state is a folder.

    What it holds is on disk, but not the tokens: they are given anew each time.

    Args:
        folder: The state; made when absent, gone on with when there.
        port: Where to listen; 0 takes a free port.
        users: The write token of each user.
        limits: The sizes at which the Hub changes its ways.

    Raises:
        OSError: When the port is taken.
        FolderInUse: When another emulator has the folder.
    """

    # The first that matches a request answers it.
    routes = Routes(
        [
            *lfs.routes,
            *spaces.routes,
            *repositories.routes,
            *commits.routes,
            *pages.routes,
        ]
    )

    def __init__(
        self,
        folder: Path | str,
        port: int = 0,
        users: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> None:
        handler = type("HubHandler", (Handler,), {"hub": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        # Looks every 20 ms whether it is to end.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        try:
            self.store = Store(Path(folder))
        except FolderInUse:
            self._server.server_close()
            raise
        self.accounts = Accounts()
        self.journal = Journal()
        self.limits = limits or Limits()
        self.quotas: dict[str, int] = {}  # bytes by namespace
        self.connections: set[socket.socket] = set()
        for user, token in (users or {}).items():
            self.add_token(token, user=user)

    def __enter__(self) -> "HubEmulator":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.journal.clear_faults()
        self._server.shutdown()
        self._server.server_close()
        # Clients keep connections: without this they would go on talking to this emulator.
        for connection in list(self.connections):
            with contextlib.suppress(OSError):  # it may be closed by now
                connection.shutdown(socket.SHUT_RDWR)
        self.store.files.close()

    def add_token(
        self,
        token: str,
        *,
        user: str,
        role: str = "write",
        orgs: tuple[str, ...] = (),
        oauth: bool = False,
    ) -> None:
        """Makes a token known.

        Args:
            token: Its value, of which only the SHA-256 is kept.
            user: Whose it is.
            role: "read" or "write".
            orgs: The organizations in whose namespaces it holds too.
            oauth: Whether it is of a login with the browser, of which the Hub tells no role.
        """
        self.accounts.add(token, Identity(user, role, orgs, oauth=oauth))

    def set_quota(self, namespace: str, quota: int) -> None:
        """Limits the bytes that all repositories of a namespace may take together."""
        self.quotas[namespace] = quota

    def trust_publisher(
        self, github: "GithubEmulator", *published: tuple[str, str]
    ) -> dict[str, str]:
        """Trusts the workflows of a GitHub repository with repositories here.

        Args:
            github: A run of such a workflow.
            published: Kind and id of each; HF_OIDC_RESOURCE will name the first.

        Returns:
            The environment of the run, with which the client gets its own token.
        """
        kind, repo_id = published[0]
        prefix = "" if kind == "models" else f"{kind}/"
        self.accounts.trust(github, [f"{kind}/{repo_id}" for kind, repo_id in published])
        return {**github.environment, "HF_OIDC_RESOURCE": f"{prefix}{repo_id}"}

    @property
    def requests(self) -> list[Request]:
        """All requests so far, in the order in which they came."""
        return self.journal.requests

    def fault(
        self,
        kind: Kind,
        *,
        at: int = 1,
        times: int = 1,
        method: str = "*",
        path: str = "*",
        when: Callable[[Request], bool] = lambda request: True,
        status: int = 503,
        headers: Mapping[str, str] | None = None,
        after_bytes: int = 0,
    ) -> Fault:
        """Lets something go wrong with the n-th of the coming requests that match.

        Args:
            kind: What goes wrong. "answer": the request is not applied and answered with
                `status` and `headers`. "close_before" and "close_after": the connection is
                closed before or after the request is applied, without an answer.
                "stall_before" and "stall_after": nothing happens before or after it is
                applied until the fault is released or the client is gone, and in the latter
                case nothing more happens at all. "cut_answer": the connection is closed
                after `after_bytes` of the answer's body.
            at: The how many-th matching request is struck, from 1.
            times: How many matching requests in a row are struck.
            method: The method of matching requests.
            path: A pattern of their path, in which `*` stands for anything.
            when: What else must hold of them.
            status: See "answer".
            headers: See "answer".
            after_bytes: See "cut_answer".

        Returns:
            The fault: its event `reached` says that it struck, `release()` ends a stall, and
            the event `ended` says that a stall is over.
        """
        fault = Fault(
            method=method,
            skip=at - 1,
            times=times,
            kind=kind,
            path=path,
            when=when,
            status=status,
            headers=dict(headers or {}),
            after_bytes=after_bytes,
        )
        self.journal.add_fault(fault)
        return fault

    def repository(self, kind: str, repo_id: str) -> Repository:
        """A repository as it is on disk; kind is "models", "datasets" or "spaces"."""
        repository = self.store.find(kind, repo_id)
        if repository is None:
            raise LookupError(f"There is no {repo_id} among the {kind}")
        return repository

    def exists(self, kind: str, repo_id: str) -> bool:
        """Whether there is such a repository."""
        return self.store.find(kind, repo_id) is not None

    def tree(self, kind: str, repo_id: str, revision: str = "main") -> dict[str, bytes | int]:
        """The files at a revision: the bytes of regular files, the size of those in LFS."""
        repository = self.repository(kind, repo_id)
        return {
            path: entry["size"] if "lfs" in entry else repository.blob(entry).read_bytes()
            for path, entry in sorted(repository.commit_at(revision).tree.items())
        }

    def content(self, kind: str, repo_id: str, revision: str, path: str) -> bytes:
        """The bytes of one file, in LFS or not."""
        return self.repository(kind, repo_id).content(revision, path)

    def commits(self, kind: str, repo_id: str, revision: str = "main") -> list[Commit]:
        """The commits up to a revision, newest first."""
        return list(self.repository(kind, repo_id).history(revision))

    def branches(self, kind: str, repo_id: str) -> dict[str, str]:
        """The commit of each branch."""
        return self.repository(kind, repo_id).state["branches"]

    def tags(self, kind: str, repo_id: str) -> dict[str, str]:
        """The commit of each tag."""
        return self.repository(kind, repo_id).state["tags"]

    def secrets(self, space_id: str) -> dict[str, str]:
        """The SHA-256 of each secret of a Space."""
        secrets = self.repository("spaces", space_id).state["space"]["secrets"]
        return {key: secret["sha256"] for key, secret in secrets.items()}

    def variables(self, space_id: str) -> dict[str, str]:
        """The variables of a Space."""
        variables = self.repository("spaces", space_id).state["space"]["variables"]
        return {key: variable["value"] for key, variable in variables.items()}

    def set_stage(self, space_id: str, stage: str) -> None:
        """Makes a Space be in a stage, such as BUILD_ERROR, until it is restarted."""
        repository = self.repository("spaces", space_id)
        repository.change(lambda state: state["space"].update(stage=stage))
