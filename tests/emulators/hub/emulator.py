"""The emulator as tests use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..faults import Fault
from ..http_service import Reply, Sent, Service
from . import commits, lfs, pages, repositories, spaces
from .accounts import Accounts, Identity
from .errors import HubError
from .server import Call, Routes, answer, error_reply
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


class HubEmulator(Service):
    """A Hugging Face Hub on 127.0.0.1 whose state is a folder.

    What it holds is on disk, but not the tokens: they are given again each time.

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
        super().__init__(port)
        try:
            self.store = Store(Path(folder))
        except FolderInUse:
            self.discard()
            raise
        self.accounts = Accounts()
        self.limits = limits or Limits()
        self.quotas: dict[str, int] = {}  # bytes by namespace
        for user, token in (users or {}).items():
            self.add_token(token, user=user)

    def answer(self, sent: Sent) -> Reply:
        """Answers a request."""
        return answer(
            Call(self, sent.method, sent.target.path, sent.query, sent.headers, sent.body)
        )

    def refuse(self, fault: Fault) -> Reply:
        """Answers a request that an "answer" fault struck."""
        return error_reply(
            HubError(fault.status, "The emulator was told to fail", headers=fault.headers)
        )

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
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
