"""A model in lakeFS: written to a branch of its own, committed, merged whole, tagged by content."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from components.digest import folder_digest
from components.lakefs_pusher.answers import LakeFSError, explained
from components.lakefs_pusher.config import LakeFSConfig
from components.lakefs_pusher.repository import Overtaken, Repository, Stored
from components.secrets import read_secret

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
        config: where to.
        recipe: name of the recipe.

    Raises:
        LakeFSError: nothing says where to.
        SecretError: the key cannot be read.
    """

    def __init__(self, config: LakeFSConfig, recipe: str) -> None:
        if not config.lakefs_repository:
            raise LakeFSError("There is nowhere to push to: set LAKEFS_REPOSITORY to a name.")
        self._config = config
        self._recipe = recipe
        self._folder = f"models/{recipe}/"
        self._repository = open_repository(config)

    def push(self, model: Path, metadata: Mapping[str, str], source: str) -> Pushed:
        """Makes a model the recipe's newest, unless it is that already.

        The default branch holds the model before it or this one, and nothing in between. Of
        several that push at once each is merged on top of the one before.

        Args:
            model: folder of everything that the recipe's folder is to hold.
            metadata: what the commit says of the model.
            source: which step's output the model is. The same one, pushed again, stays behind what
                was pushed meanwhile; the same model trained anew does not.

        Raises:
            LakeFSError: something was refused, or kept from being done. Running again completes it.
        """
        files = {
            path.relative_to(model).as_posix(): path
            for path in sorted(model.rglob("*"))
            if path.is_file()
        }
        manifest = Manifest(digest=folder_digest(model), files=tuple(files))
        told = {**metadata, DIGEST: manifest.digest, SOURCE: source}
        with self._explained():
            branch = self._repository.ensure(self._config.lakefs_storage_namespace)
            for _ in range(_ATTEMPTS):
                try:
                    return self._push(files, manifest, told, branch)
                except Overtaken as error:
                    _LOG.warning("%s: %s; beginning anew.", self._repository.url, error)
            raise LakeFSError(
                f"Others changed {self._folder} of {self._repository.url} each of {_ATTEMPTS} "
                "times while it was pushed to; nothing was overwritten: run again when they are "
                "done."
            )

    def _push(
        self, files: Mapping[str, Path], manifest: Manifest, told: Mapping[str, str], branch: str
    ) -> Pushed:
        """Does it once.

        Raises:
            Overtaken: somebody else came in between.
        """
        head = self._repository.head(branch)
        held = self._manifest(head)
        tag = f"{self._recipe}-v-{manifest.digest[:_DIGITS]}"
        merged = False
        if held is None or held.digest != manifest.digest:
            behind = self._find_behind(branch, told)
            if behind is None:
                head = self._merge(files, manifest, told, branch, head, held, tag)
            else:
                _LOG.warning("A newer model is on %s already, where it stays.", branch)
                head = behind
            merged = behind is None
        tagged = self._repository.tag(tag)
        if tagged is None:
            self._check(self._repository.make_tag(tag, head), tag, manifest)
        elif tagged != head:
            self._check(tagged, tag, manifest)
        self._clear()
        return Pushed(
            repository=self._repository.name,
            path=self._folder,
            revision=head,
            tag=tag,
            url=f"{self._repository.url}/objects?ref={tag}&path={self._folder.replace('/', '%2F')}",
            changed=merged or tagged is None,
        )

    def _merge(
        self,
        files: Mapping[str, Path],
        manifest: Manifest,
        told: Mapping[str, str],
        branch: str,
        head: str,
        held: Manifest | None,
        tag: str,
    ) -> str:
        """Writes the files to a branch of `head`, commits and merges them; returns the commit."""
        repository, folder, message = self._repository, self._folder, f"Publish {tag}"
        there = {path.removeprefix(folder) for path in repository.objects(head, folder)}
        owned = {*held.files, MANIFEST} if held else set()
        if foreign := sorted((there - owned) & {*files, MANIFEST}):
            raise LakeFSError(
                f"{repository.url} holds objects below {folder} that were not pushed by this "
                f"pipeline: {', '.join(foreign)}; move them, or set LAKEFS_REPOSITORY to another "
                "name."
            )
        run_branch = self._branch(manifest)
        repository.make_branch(run_branch, head)
        content = (manifest.model_dump_json(indent=1) + "\n").encode()
        written = {
            path: repository.write(run_branch, f"{folder}{path}", file.read_bytes())
            for path, file in files.items()
        }
        written[MANIFEST] = repository.write(run_branch, f"{folder}{MANIFEST}", content)
        stale = sorted((there & owned) - written.keys())
        repository.delete(run_branch, [f"{folder}{path}" for path in stale])
        commit = repository.commit(run_branch, message, told)
        self._check_whole(commit, written, (there - owned))
        return repository.merge(commit, branch, message, told)

    def _check_whole(self, commit: str, written: Mapping[str, Stored], others: set[str]) -> None:
        """Looks whether a commit holds what was written, whoever else wrote to its branch."""
        found = self._repository.objects(commit, self._folder)
        whole = {path.removeprefix(self._folder): stored for path, stored in found.items()}
        if {path: one for path, one in whole.items() if path not in others} != written:
            raise Overtaken("another push of the same model wrote to its branch")

    def _find_behind(self, branch: str, told: Mapping[str, str]) -> str | None:
        """The commit by which this very output was pushed before a newer one was."""
        for commit in self._repository.log(branch, self._folder):
            known = commit.metadata or {}
            if all(known.get(name) == told[name] for name in (DIGEST, SOURCE)):
                return commit.id
        return None

    def _manifest(self, ref: str) -> Manifest | None:
        content = self._repository.read(ref, f"{self._folder}{MANIFEST}")
        try:
            return None if content is None else Manifest.model_validate_json(content)
        except ValueError as error:
            raise LakeFSError(
                f"{self._folder}{MANIFEST} of {self._repository.url} is not as it was pushed; "
                "delete it there, with what lies beside it."
            ) from error

    def _check(self, tagged: str, tag: str, manifest: Manifest) -> None:
        """Looks whether a tag is of this content.

        Raises:
            LakeFSError: it is somebody else's.
        """
        held = self._manifest(tagged)
        if held is None or held.digest != manifest.digest:
            raise LakeFSError(
                f"The tag {tag} of {self._repository.url} is of another content; delete it there, "
                "and run again."
            )

    def _branch(self, manifest: Manifest) -> str:
        return f"push-{self._recipe}-{manifest.digest[:_DIGITS]}"

    def _clear(self) -> None:
        """Deletes the branches of pushes: this one's, and what others left behind.

        One that is at work on its own finds it gone, and begins anew on top of this one.
        """
        ours = re.compile(rf"push-{re.escape(self._recipe)}-[0-9a-f]{{{_DIGITS}}}")
        for name in self._repository.branches(f"push-{self._recipe}-"):
            if ours.fullmatch(name):
                self._repository.delete_branch(name)

    def _explained(self):
        return explained(self._repository.url, name_keys(self._config))


def open_repository(config: LakeFSConfig) -> Repository:
    """The repository that the settings name.

    Raises:
        SecretError: the key cannot be read.
    """
    return Repository(
        config.lakectl_server_endpoint_url,
        config.lakefs_repository or "",
        read_secret(config.lakefs_access_key_id_secret),
        read_secret(config.lakefs_secret_access_key_secret),
    )


def name_keys(config: LakeFSConfig) -> str:
    """Where both parts of the key are read, for people."""
    return f"{config.lakefs_access_key_id_secret} and {config.lakefs_secret_access_key_secret}"


def check_lakefs(config: LakeFSConfig) -> str:
    """Looks whether a model could be pushed, before anything is made.

    Returns:
        What was found good.

    Raises:
        LakeFSError, SecretError: what is wrong, with its cure.
    """
    repository = open_repository(config)
    with explained(repository.url, name_keys(config)):
        branch = repository.find()
        if branch is not None:
            return f"models are pushed to the branch {branch} of {repository.url}"
        namespace = config.lakefs_storage_namespace or repository.default_namespace()
    return f"{repository.url} will be made, with its objects in {namespace}"
