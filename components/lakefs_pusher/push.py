"""A model in lakeFS: written to a branch of its own, committed, merged whole, tagged by content."""

import logging
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from components.digest import folder_digest
from components.lakefs_pusher.config import LakeFSConfig
from components.lakefs_pusher.repository import Overtaken, Repository
from stores.errors import StoreError
from stores.lakefs import LakeFS
from stores.manifest import Entry

MANIFEST = "published.json"
# In the metadata of a commit: of what content it is, and which step's output that was.
DIGEST, SOURCE = "model_digest", "source"
_ATTEMPTS = 5
_DIGITS = 12  # of a digest, in the names of tags and branches
_LOG = logging.getLogger("absl")  # TFX's own log


class Manifest(BaseModel):
    """What was pushed to a recipe's folder, as it lies there.

    It is what keeps two models from being merged into one: no two have the same.

    Attributes:
        digest: of the model's files, SHA-256 in hex.
        files: their paths in the folder.
    """

    model_config = ConfigDict(frozen=True)

    digest: str
    files: tuple[str, ...]


class _Version(NamedTuple):
    """What is pushed: the files by their paths, what lists them, what is told, and its tag."""

    files: Mapping[str, Path]
    manifest: Manifest
    told: Mapping[str, str]
    tag: str


@dataclass(frozen=True)
class Pushed:
    """What is where.

    Attributes:
        repository: of lakeFS.
        path: folder of the model there.
        revision: a commit that holds it.
        tag: the version's name, made of its content.
        url: of the version, for people.
        changed: False when all of it had been there before.
    """

    repository: str
    path: str
    revision: str
    tag: str
    url: str
    changed: bool


class Pusher:
    """Pushes the models of a recipe.

    Args:
        store: the server.
        config: where to.
        recipe: name of the recipe.

    Raises:
        StoreError: nothing says where to.
    """

    def __init__(self, store: LakeFS, config: LakeFSConfig, recipe: str) -> None:
        self._recipe = recipe
        self._repository = Repository(store, config, f"models/{recipe}")

    def push(self, model: Path, metadata: Mapping[str, str], source: str) -> Pushed:
        """Make a model the recipe's newest, unless it is that already.

        The default branch holds the model before it or this one, and nothing in between. Of
        several that are pushed at once each is merged on top of the one before.

        Args:
            model: folder of everything that the recipe's folder is to hold.
            metadata: what the commit says of the model.
            source: which step's output the model is. The same one, pushed again, stays behind what
                was pushed meanwhile; the same model trained again does not.

        Raises:
            StoreError: something was refused, or kept from being done. Running again completes it.
        """
        files = {
            path.relative_to(model).as_posix(): path
            for path in sorted(model.rglob("*"))
            if path.is_file()
        }
        manifest = Manifest(digest=folder_digest(model), files=tuple(files))
        with tempfile.TemporaryDirectory() as folder:
            listed = Path(folder, MANIFEST)
            listed.write_text(manifest.model_dump_json(indent=1) + "\n")
            version = _Version(
                files={**files, MANIFEST: listed},
                manifest=manifest,
                told={**metadata, DIGEST: manifest.digest, SOURCE: source},
                tag=f"{self._recipe}-v-{manifest.digest[:_DIGITS]}",
            )
            return self._push_until_merged(version)

    def _push_until_merged(self, version: _Version) -> Pushed:
        branch = self._repository.ensure()
        for _ in range(_ATTEMPTS):
            try:
                return self._push(version, branch)
            except Overtaken as error:
                _LOG.warning("Pushing to %s again: %s", self._repository.url, error)
        raise StoreError(
            f"Others changed {self._repository.folder} of {self._repository.url} each of "
            f"{_ATTEMPTS} times while it was pushed to; nothing was overwritten: run again when "
            "they are done."
        )

    def _push(self, version: _Version, branch: str) -> Pushed:
        """Do it once.

        Raises:
            Overtaken: somebody else came in between.
        """
        repository, head = self._repository, self._repository.head(branch)
        held = self._manifest(head)
        merged = False
        if held is None or held.digest != version.manifest.digest:
            behind = self._find_behind(branch, version)
            if behind is None:
                head, merged = self._merge(version, branch, head, held), True
            else:
                _LOG.warning("A newer model is on %s of %s, and stays.", branch, repository.url)
                head = behind
        tagged = repository.tag(version.tag)
        if tagged is None:
            repository.make_tag(version.tag, head)
        elif tagged != head:
            self._check_tag(tagged, version)
        self._delete_branches()
        place = f"objects?ref={version.tag}&path={repository.folder.replace('/', '%2F')}%2F"
        return Pushed(
            repository=repository.name,
            path=repository.folder,
            revision=head,
            tag=version.tag,
            url=f"{repository.url}/{place}",
            changed=merged or tagged is None,
        )

    def _merge(self, version: _Version, branch: str, head: str, held: Manifest | None) -> str:
        """Write the files to a branch of `head`, commit and merge them; return the commit."""
        repository, message = self._repository, f"Publish {version.tag}"
        there = repository.files(head).keys()
        owned = {*held.files, MANIFEST} if held else set()
        if foreign := sorted((there - owned) & version.files.keys()):
            raise StoreError(
                f"{repository.url} holds files in {repository.folder} that were not pushed by this "
                f"pipeline: {', '.join(foreign)}; move them, or set LAKEFS_REPOSITORY to another "
                "name."
            )
        own = self._branch(version.manifest.digest[:_DIGITS])
        repository.make_branch(own, head)
        written = {path: repository.write(own, path, file) for path, file in version.files.items()}
        repository.delete(own, sorted((there & owned) - written.keys()))
        commit = repository.commit(own, message, version.told)
        self._check_whole(commit, written, there - owned)
        return repository.merge(commit, branch, message, version.told)

    def _check_whole(self, commit: str, written: Mapping[str, Entry], others: set[str]) -> None:
        """Look whether a commit holds what was written, whoever else wrote to its branch."""
        found = {
            path: one for path, one in self._repository.files(commit).items() if path not in others
        }
        whole = found.keys() == written.keys() and all(
            one.size == found[path].size and found[path].md5 in ("", one.md5)
            for path, one in written.items()
        )
        if not whole:
            raise Overtaken("another push of the same model wrote to its branch.")

    def _find_behind(self, branch: str, version: _Version) -> str | None:
        """Return the commit by which this very output was pushed before a newer one was."""
        for commit in self._repository.log(branch):
            known = commit.metadata or {}
            if all(known.get(name) == version.told[name] for name in (DIGEST, SOURCE)):
                return commit.id
        return None

    def _manifest(self, ref: str) -> Manifest | None:
        content = self._repository.read(ref, MANIFEST)
        try:
            return None if content is None else Manifest.model_validate_json(content)
        except ValueError as error:
            raise StoreError(
                f"{self._repository.folder}/{MANIFEST} of {self._repository.url} is not as it was "
                "pushed; delete it there, with what lies beside it."
            ) from error

    def _check_tag(self, tagged: str, version: _Version) -> None:
        """Look whether a tag that is there is of the same content."""
        held = self._manifest(tagged)
        if held is None or held.digest != version.manifest.digest:
            raise StoreError(
                f"The tag {version.tag} of {self._repository.url} is of another content; delete it "
                "there, and run again."
            )

    def _branch(self, digits: str) -> str:
        return f"push-{self._recipe}-{digits}"

    def _delete_branches(self) -> None:
        """Delete the branches of pushes: this one's, and what others left behind.

        One that is at work on its own finds it gone, and begins again on top of this one.
        """
        for name in self._repository.branches(self._branch("")):
            if re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}", name.removeprefix(self._branch(""))):
                self._repository.delete_branch(name)


def check_push(store: LakeFS, config: LakeFSConfig, recipe: str) -> str:
    """Look whether a model could be pushed, before anything is made.

    Args:
        store: the server.
        config: where to.
        recipe: name of the recipe.

    Returns:
        What was found good.

    Raises:
        StoreError: what is wrong, with its cure.
    """
    repository = Repository(store, config, f"models/{recipe}")
    branch = repository.find()
    if branch is None:
        return f"{repository.url} will be made, with its objects in {repository.namespace()}"
    return f"models are pushed to {repository.folder} on the branch {branch} of {repository.url}"
