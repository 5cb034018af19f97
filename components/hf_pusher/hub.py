"""All traffic with the Hugging Face Hub: versions of whole repositories, never by halves."""

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, TypeVar

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    RepoFile,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from components.hf_pusher.answers import HubError, retrying

Result = TypeVar("Result")
RepoType = Literal["model", "space"]

_MAIN = "main"


@dataclass(frozen=True)
class Version:
    """What a repository holds after it was published to.

    Attributes:
        revision: hash of the commit that holds it.
        changed: False when the repository held the same before.
    """

    revision: str
    changed: bool


class Repository:
    """One repository on the Hub.

    Every request may be repeated: a crash anywhere is mended by doing all of it again.

    Args:
        endpoint: the Hub.
        repo_id: OWNER/NAME.
        repo_type: model or space.
        token: with the right to write to it.
    """

    def __init__(self, endpoint: str, repo_id: str, repo_type: RepoType, token: str) -> None:
        self.repo_id = repo_id
        self.repo_type = repo_type
        self._endpoint = endpoint
        self._api = HfApi(endpoint=endpoint, token=token)
        self._repo: dict[str, Any] = {"repo_id": repo_id, "repo_type": repo_type}

    @property
    def url(self) -> str:
        """Where people look at it."""
        prefix = "spaces/" if self.repo_type == "space" else ""
        return f"{self._endpoint}/{prefix}{self.repo_id}"

    def ensure(self, private: bool) -> None:
        """Creates the repository where there is none, and makes it public or private.

        Raises:
            HubError: it may not be created or changed, or a Space is of another SDK.
        """
        try:
            info = self._call(self._api.repo_info, **self._repo)
        except RepositoryNotFoundError:
            sdk = {"space_sdk": "gradio"} if self.repo_type == "space" else {}
            # Several may create it at once: the first one's is taken.
            self._call(self._api.create_repo, **self._repo, private=private, exist_ok=True, **sdk)
            info = self._call(self._api.repo_info, **self._repo)
        sdk_found = getattr(info, "sdk", "gradio")
        if sdk_found != "gradio":
            raise HubError(
                f"{self.url} is a Space of SDK {sdk_found}, not gradio; set HF_SPACE_ID to "
                "another name, or delete that Space."
            )
        if bool(info.private) != private:
            visibility = "private" if private else "public"
            self._call(self._api.update_repo_settings, **self._repo, visibility=visibility)

    def publish(
        self,
        files: Mapping[str, Path],
        message: str,
        tag: str | None = None,
        replaced: Sequence[str] = (),
    ) -> Version:
        """Puts files on main in one commit, unless they are there.

        Args:
            files: local files by path in the repository.
            message: of the commit; the same for the same content.
            tag: name of the version.
            replaced: patterns of paths that belong to us: what matches and is not among `files`
                is deleted. Other files are left alone.

        Raises:
            HubError: the Hub refused, or somebody else changed main in the meantime.
        """
        main, tags = self._refs()
        if tag in tags and tags[tag] == main:
            return Version(main, changed=False)
        stale = (
            path
            for path in self._files(main)
            if path not in files and any(fnmatch.fnmatch(path, pattern) for pattern in replaced)
        )
        head = self._commit(
            [
                *(CommitOperationAdd(path, content) for path, content in files.items()),
                *(CommitOperationDelete(path, is_folder=False) for path in stale),
            ],
            message,
            main,
        )
        if tag is None:
            return Version(head, changed=head != main)
        if tag in tags:
            return Version(tags[tag], changed=head != main)
        self._call(self._api.create_tag, **self._repo, tag=tag, revision=head, exist_ok=True)
        return Version(head, changed=True)

    def restore(self, tag: str, replaced: Sequence[str]) -> Version:
        """Makes main what it was at a tag, in one commit on top, without sending a file.

        Args:
            tag: name of the version.
            replaced: as in `publish`.

        Returns:
            The version that the tag names.

        Raises:
            HubError: there is no such tag, or somebody else changed main in the meantime.
        """
        main, _ = self._refs()
        revision = self.revision_of(tag)
        before, after = self._files(main), self._files(revision)
        copies = [
            CommitOperationCopy(path, path, src_revision=revision)
            for path, blob in after.items()
            if before.get(path) != blob
        ]
        stale = [
            CommitOperationDelete(path, is_folder=False)
            for path in before
            if path not in after and any(fnmatch.fnmatch(path, pattern) for pattern in replaced)
        ]
        if not copies and not stale:
            return Version(revision, changed=False)
        self._commit([*copies, *stale], f"Roll back to {tag}", main)
        return Version(revision, changed=True)

    def configure(
        self, hardware: str | None, variables: Mapping[str, str], secrets: Mapping[str, str]
    ) -> None:
        """Sets up a Space: what has its value already is left alone.

        A secret's value cannot be read back, so a secret that exists is set again.
        """
        space = self.repo_id
        present = self._call(self._api.get_space_variables, space) if variables else {}
        for name, value in variables.items():
            if name not in present or present[name].value != value:
                self._call(self._api.add_space_variable, space, name, value)
        for name, value in secrets.items():
            self._call(self._api.add_space_secret, space, name, value)
        if hardware:
            runtime = self._call(self._api.get_space_runtime, space)
            if hardware not in (runtime.hardware, runtime.requested_hardware):
                self._call(self._api.request_space_hardware, space, hardware)

    def secret_names(self) -> set[str]:
        """The names of a Space's secrets."""
        return set(self._call(self._api.get_space_secrets, self.repo_id))

    def revision_of(self, tag: str) -> str:
        """The commit that a tag names.

        Raises:
            HubError: there is no such tag.
        """
        _, tags = self._refs()
        if tag not in tags:
            known = ", ".join(sorted(tags)) or "none"
            raise HubError(f"{self.url} has no tag {tag}; its tags are: {known}.")
        return tags[tag]

    def has(self, path: str, revision: str) -> bool:
        """Whether a revision holds a file."""
        return path in self._files(revision)

    def read(self, path: str, folder: Path) -> bytes:
        """A file of main.

        Args:
            path: in the repository.
            folder: where it may be kept.

        Raises:
            HubError: there is no such file.
        """
        try:
            kept = self._call(
                self._api.hf_hub_download, **self._repo, filename=path, local_dir=folder
            )
        except (RepositoryNotFoundError, EntryNotFoundError) as error:
            raise HubError(f"{self.url} holds no {path}; publish a model first.") from error
        return Path(kept).read_bytes()

    def _refs(self) -> tuple[str, dict[str, str]]:
        """The commit of main, and the commits of all tags by name."""
        refs = self._call(self._api.list_repo_refs, **self._repo)
        [main] = [branch.target_commit for branch in refs.branches if branch.name == _MAIN]
        return main, {tag.name: tag.target_commit for tag in refs.tags}

    def _files(self, revision: str) -> dict[str, str]:
        """Hashes of a revision's files, by path."""

        def listed() -> dict[str, str]:
            tree = self._api.list_repo_tree(**self._repo, revision=revision, recursive=True)
            return {entry.path: entry.blob_id for entry in tree if isinstance(entry, RepoFile)}

        return self._call(listed)

    def _commit(self, operations: list[Any], message: str, parent: str) -> str:
        """Commits on top of `parent`; returns the commit, `parent` itself when nothing changes.

        Raises:
            HubError: main is no longer at `parent`, and not because of this very commit, whose
                answer may have been lost.
        """

        def committed() -> str:
            info = self._api.create_commit(
                **self._repo,
                operations=operations,
                commit_message=message,
                parent_commit=parent,
            )
            return info.oid

        try:
            return self._call(committed)
        except HfHubHTTPError as error:
            if error.response.status_code != HTTPStatus.PRECONDITION_FAILED:
                raise
        newest, before = self._call(self._api.list_repo_commits, **self._repo)[:2]
        if (newest.title, before.commit_id) == (message, parent):
            return newest.commit_id
        raise HubError(
            f"Somebody else changed {self.url} while it was published to: main is at "
            f"{newest.commit_id[:12]}, {newest.title!r}. Nothing was overwritten; run again to "
            "publish on top of that."
        )

    def _call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Calls the client, again where that helps."""
        return retrying()(function, *args, **kwargs)
