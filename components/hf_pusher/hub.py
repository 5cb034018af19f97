"""All traffic with the Hugging Face Hub: versions of whole repositories, never by halves."""

import logging
import tempfile
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
from components.hf_pusher.ownership import (
    CARD,
    MANIFEST,
    Manifest,
    digest,
    merge_cards,
    older_sign,
)

Result = TypeVar("Result")
RepoType = Literal["model", "space"]

_MAIN = "main"
_ATTRIBUTES = ".gitattributes"  # the Hub's own
_NOT_ALLOWED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_LOG = logging.getLogger("absl")  # TFX's own log


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
        token: with the right to write to it, or to read it; None for a public one that is read.
        trusted: whether it is of a trusted publisher, who may commit and perhaps nothing else.
    """

    def __init__(
        self,
        endpoint: str,
        repo_id: str,
        repo_type: RepoType,
        token: str | None,
        trusted: bool = False,
    ) -> None:
        self.repo_id = repo_id
        self.repo_type = repo_type
        self._endpoint = endpoint
        self._trusted = trusted
        self._api = HfApi(endpoint=endpoint, token=token)
        self._repo: dict[str, Any] = {"repo_id": repo_id, "repo_type": repo_type}

    @property
    def url(self) -> str:
        """Where people look at it."""
        prefix = "spaces/" if self.repo_type == "space" else ""
        return f"{self._endpoint}/{prefix}{self.repo_id}"

    @property
    def _setting(self) -> str:
        """The setting that names it."""
        return "HF_SPACE_ID" if self.repo_type == "space" else "HF_REPO_ID"

    def ensure(self, private: bool | None, created_private: bool | None = None) -> None:
        """Create the repository where there is none, and make it public or private if asked to.

        Args:
            private: what it is to be; None leaves one that is there as it is.
            created_private: what a new one is if `private` is None; None: what its owner's are.

        Raises:
            HubError: it may not be created or changed, or a Space is of another SDK.
        """
        try:
            info = self._call(self._api.repo_info, **self._repo)
        except RepositoryNotFoundError:
            sdk = {"space_sdk": "gradio"} if self.repo_type == "space" else {}
            wanted = created_private if private is None else private
            # Several may create it at once: the first one's is taken.
            self._call(self._api.create_repo, **self._repo, private=wanted, exist_ok=True, **sdk)
            info = self._call(self._api.repo_info, **self._repo)
        sdk_found = getattr(info, "sdk", "gradio")
        if sdk_found != "gradio":
            raise HubError(
                f"{self.url} is a Space of SDK {sdk_found}, not gradio; set HF_SPACE_ID to "
                "another name, or delete that Space."
            )
        if private not in (None, bool(info.private)):
            visibility = "private" if private else "public"
            change = self._api.update_repo_settings
            self._set("its visibility", change, **self._repo, visibility=visibility)

    def is_private(self) -> bool:
        """Tell whether the repository, which must be there, is private."""
        return bool(self._call(self._api.repo_info, **self._repo).private)

    def check_owner(self, of: Manifest) -> None:
        """Look whether what is there may be replaced by what is of a model.

        Args:
            of: what would be published.

        Raises:
            HubError: it is of another recipe's model.
        """
        try:
            main, _ = self._refs()
        except RepositoryNotFoundError:
            return
        self._owned(main, self._files(main), of)

    def publish(
        self,
        files: Mapping[str, Path],
        message: str,
        of: Manifest,
        tag: str | None = None,
        kept: Sequence[str] = (),
    ) -> Version:
        """Put files on main in one commit, unless they are there.

        What was published before and is not among them is deleted. What others put there stays.

        Args:
            files: local files by path in the repository.
            message: of the commit; the same for the same content.
            of: recipe and task of the model; what it does not tell stays what it was.
            tag: name of the version.
            kept: paths, or folders that end in `/`, that stay as they were published before.

        Raises:
            HubError: the Hub refused, somebody else changed main in the meantime, or a file is
                there that others wrote, or another recipe's model.
        """
        main, tags = self._refs()
        if tag in tags and tags[tag] == main:
            return Version(main, changed=False)
        there = self._files(main)
        before = self._owned(main, there, of)
        owned = set(before.files) if before else set()
        if before is None and older_sign(self.repo_type) in there:
            owned = set(there)  # nothing tells what others put there: nothing is deleted
        foreign = (files.keys() & there.keys()) - owned - {CARD, MANIFEST, _ATTRIBUTES}
        if foreign:
            raise HubError(
                f"{self.url} holds files that were not published by this pipeline: "
                f"{', '.join(sorted(foreign))}; set {self._setting} to another name, or delete "
                "them there."
            )
        staying = {path for path in owned & there.keys() if path.startswith(tuple(kept))}
        stale = (owned & there.keys()) - files.keys() - staying - {MANIFEST} if before else set()
        content: dict[str, Path | bytes] = dict(files)
        card = before.card if before else None
        if CARD in files:
            ours = files[CARD].read_text(encoding="utf-8")
            card = digest(ours)
            if CARD in there:
                theirs = self._read(CARD, main).decode()
                content[CARD] = merge_cards(theirs, ours, before, self.repo_type).encode()
        listed = tuple(sorted({*files, *staying, MANIFEST}))
        content[MANIFEST] = Manifest(
            recipe=of.recipe or (before.recipe if before else None),
            task=of.task or (before.task if before else None),
            files=listed,
            card=card,
        ).encode()
        head = self._commit(
            [
                *(CommitOperationAdd(path, value) for path, value in content.items()),
                *(CommitOperationDelete(path, is_folder=False) for path in sorted(stale)),
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

    def restore(self, tag: str) -> Version:
        """Make main what it was at a tag, in one commit on top, without sending a model's file.

        Args:
            tag: name of the version.

        Returns:
            The version that the tag names.

        Raises:
            HubError: there is no such tag, or somebody else changed main in the meantime.
        """
        main, _ = self._refs()
        revision = self.revision_of(tag)
        before, after = self._files(main), self._files(revision)
        now, then = self._manifest(main, before), self._manifest(revision, after)
        published = set(then.files) if then else after.keys() - {_ATTRIBUTES}
        stale = (set(now.files) if now else set()) & before.keys() - published
        operations: list[Any] = [
            CommitOperationCopy(path, path, src_revision=revision)
            for path in sorted(published & after.keys())
            if before.get(path) != after[path] and path != CARD
        ]
        operations += [CommitOperationDelete(path, is_folder=False) for path in sorted(stale)]
        if CARD in after and before.get(CARD) != after[CARD]:
            theirs = self._read(CARD, main).decode() if CARD in before else ""
            ours = self._read(CARD, revision).decode()
            card = merge_cards(theirs, ours, now, self.repo_type) if theirs else ours
            if card != theirs:
                operations.append(CommitOperationAdd(CARD, card.encode()))
        if not operations:
            return Version(revision, changed=False)
        self._commit(operations, f"Roll back to {tag}", main)
        return Version(revision, changed=True)

    def configure(
        self, hardware: str | None, variables: Mapping[str, str], secrets: Mapping[str, str]
    ) -> None:
        """Set up a Space: what has its value already is left alone.

        A secret's value cannot be read back, so a secret that exists is set again.
        """
        space = self.repo_id
        present: dict[str, Any] = {}
        if variables:
            present = self._set("its variables", self._api.get_space_variables, space) or {}
        for name, value in variables.items():
            if name not in present or present[name].value != value:
                self._set(f"the variable {name}", self._api.add_space_variable, space, name, value)
        for name, value in secrets.items():
            self._set(f"the secret {name}", self._api.add_space_secret, space, name, value)
        if hardware:
            runtime = self._call(self._api.get_space_runtime, space)
            if hardware not in (runtime.hardware, runtime.requested_hardware):
                self._set("its hardware", self._api.request_space_hardware, space, hardware)

    def secret_names(self) -> set[str] | None:
        """List a Space's secrets by name; None for a trusted publisher, who may not see them."""
        found = self._set("its secrets", self._api.get_space_secrets, self.repo_id)
        return None if found is None else set(found)

    def revision_of(self, tag: str) -> str:
        """Return the commit that a tag names.

        Raises:
            HubError: there is no such tag.
        """
        _, tags = self._refs()
        if tag not in tags:
            known = ", ".join(sorted(tags)) or "none"
            raise HubError(f"{self.url} has no tag {tag}; its tags are: {known}.")
        return tags[tag]

    def has(self, path: str, revision: str) -> bool:
        """Tell whether a revision holds a file."""
        return path in self._files(revision)

    def read(self, path: str) -> bytes:
        """Return a file of main.

        Raises:
            HubError: there is no such file.
        """
        try:
            return self._read(path, _MAIN)
        except (RepositoryNotFoundError, EntryNotFoundError) as error:
            raise HubError(f"{self.url} holds no {path}; publish a model first.") from error

    def _read(self, path: str, revision: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            kept = self._call(
                self._api.hf_hub_download,
                **self._repo,
                filename=path,
                revision=revision,
                local_dir=folder,
            )
            return Path(kept).read_bytes()

    def _manifest(self, revision: str, files: Mapping[str, str]) -> Manifest | None:
        """Return what was published to a revision of these files; None where nothing says so."""
        if MANIFEST not in files:
            return None
        return Manifest.model_validate_json(self._read(MANIFEST, revision))

    def _owned(self, main: str, files: Mapping[str, str], of: Manifest) -> Manifest | None:
        """Return what was published to main before.

        Raises:
            HubError: it is of another recipe's model.
        """
        before = self._manifest(main, files)
        if before and before.is_of_another(of):
            raise HubError(
                f"{self.url} is of recipe {before.recipe} ({before.task}), and this model is of "
                f"{of.recipe} ({of.task}); set {self._setting} to another name."
            )
        return before

    def _refs(self) -> tuple[str, dict[str, str]]:
        """Return the commit of main, and the commits of all tags by name."""
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
        """Commit on top of `parent`; return the commit, `parent` itself when nothing changes.

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

    def _set(
        self, what: str, function: Callable[..., Result], *args: Any, **kwargs: Any
    ) -> Result | None:
        """Call what a trusted publisher may not be allowed to; then it says so, and goes on."""
        try:
            return self._call(function, *args, **kwargs)
        except HfHubHTTPError as error:
            if not self._trusted or error.response.status_code not in _NOT_ALLOWED:
                raise
            _LOG.warning(
                "A trusted publisher may not see or change %s: look at %s/settings.", what, self.url
            )
            return None

    def _call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Call the client, again where that helps."""
        return retrying()(function, *args, **kwargs)
