"""A model and its Space, published together: the Space moves only once the model is there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

from huggingface_hub import HfApi

from components.digest import folder_digest
from components.edge_exporter.variants import EDGE_MODEL
from components.hf_pusher import space as app
from components.hf_pusher.answers import HubError, explained, retrying
from components.hf_pusher.config import SPACE_TOKEN, HubConfig
from components.hf_pusher.hub import Repository, Version
from components.hf_pusher.ownership import PROVENANCE, Manifest
from components.hf_pusher.tokens import TRUSTED_PUBLISHING, read_token
from components.secrets import read_secret
from models.provenance import read_provenance
from models.registry import FIRST_TASK

_EXAMPLES = f"{app.EXAMPLES}/"
_UNTOLD = Manifest()


@dataclass(frozen=True)
class Publication:
    """What was published where.

    Attributes:
        repo_id: the model repository.
        revision: its commit.
        tag: the version's name, made of its content.
        url: of the version, for people.
        space_id: the Space.
        space_revision: its commit.
        space_url: for people.
        changed: False when all of it had been there before.
    """

    repo_id: str
    revision: str
    tag: str
    url: str
    space_id: str
    space_revision: str
    space_url: str
    changed: bool


class Publisher:
    """Publishes to the two repositories that a configuration names.

    Args:
        config: where to and how.
        workspace: folder for the Space's files.

    Raises:
        SecretError: the token cannot be read.
    """

    def __init__(self, config: HubConfig, workspace: Path) -> None:
        if not config.hf_repo_id or not config.hf_space_id:
            raise HubError("There is nowhere to publish to: set HF_REPO_ID to OWNER/NAME.")
        self._config = config
        self._staged = workspace / "space"
        self._model, self._space = _repositories(config)

    def publish(self, model: Path, examples: Path) -> Publication:
        """Publish a model, then point the Space to it.

        Args:
            model: folder of everything that the model repository is to hold.
            examples: folder of images for people to try the Space with.

        Raises:
            HubError: something was refused, or kept from being done. Running again completes it.
            SecretError: a secret of the Space cannot be read.
        """
        tag, of = f"v-{folder_digest(model)[:12]}", _identity(model)
        with self._explained(self._space):
            self._space.check_owner(of)  # before anything is changed
        with self._explained(self._model):
            self._model.ensure(self._config.hf_private)
            version = self._model.publish(_files(model), f"Publish {tag}", of, tag)
        task = read_provenance(str(model)).task
        self._stage(version, tag, task, edge=(model / EDGE_MODEL).exists())
        copytree(examples, self._staged / app.EXAMPLES)
        space = self._publish_space(version, f"Serve {tag}", of)
        return self._publication(version, tag, space, version.changed or space.changed)

    def rollback(self, tag: str) -> Publication:
        """Point the Space, and then main, back to a version that was published before.

        The app stays as it is in this checkout; only the model that it serves changes.

        Raises:
            HubError, SecretError: as in `publish`; or there is no such version.
        """
        with self._explained(self._model):
            version = Version(self._model.revision_of(tag), changed=False)
            edge = self._model.has(EDGE_MODEL, version.revision)
        self._stage(version, tag, self._read_pin()["task"], edge)
        # First: it is what people see.
        space = self._publish_space(version, f"Serve {tag}", kept=[_EXAMPLES])
        with self._explained(self._model):
            main = self._model.restore(tag)
        return self._publication(version, tag, space, main.changed or space.changed)

    def deploy(self) -> Publication:
        """Bring the Space's app up to this checkout; the model that it serves stays.

        Raises:
            HubError, SecretError: as in `publish`; or there is no Space yet.
        """
        pin = self._read_pin()
        version = Version(pin["revision"], changed=False)
        with self._explained(self._model):
            edge = self._model.has(EDGE_MODEL, version.revision)
        self._stage(version, pin["tag"], pin["task"], edge)
        # Whoever publishes a model meanwhile moves the pin, which this leaves alone.
        (self._staged / app.PIN).unlink()
        space = self._publish_space(version, "Update the app", kept=[_EXAMPLES, app.PIN])
        return self._publication(version, pin["tag"], space, space.changed)

    def _read_pin(self) -> dict[str, str]:
        """Return what the Space serves; one of before there was another task tells none."""
        with self._explained(self._space):
            return {"task": FIRST_TASK, **json.loads(self._space.read(app.PIN))}

    def _stage(self, version: Version, tag: str, task: str, edge: bool) -> None:
        app.stage_space(self._staged, task, self._model.repo_id, version.revision, tag, edge)

    def _publish_space(
        self,
        version: Version,
        message: str,
        of: Manifest = _UNTOLD,
        kept: Sequence[str] = (),
    ) -> Version:
        config = self._config
        with self._explained(self._model):
            private = self._model.is_private()
        with self._explained(self._space):
            self._space.ensure(config.hf_private, created_private=private or None)
            wanted = dict(config.hf_space_secrets)
            present = self._space.secret_names() if wanted or private else set()
            if private and present is not None and SPACE_TOKEN not in present | set(wanted):
                raise HubError(
                    f"{self._space.url} could not read its private model: give it a token with "
                    f'read access, HF_SPACE_SECRETS=\'{{"{SPACE_TOKEN}": "NAME_OF_A_VARIABLE"}}\'.'
                )
        if not version.changed:  # what cannot be compared is not sent again for nothing
            wanted = {name: wanted[name] for name in wanted.keys() - (present or set())}
        secrets = {name: read_secret(reference) for name, reference in wanted.items()}
        with self._explained(self._space):
            self._space.configure(config.hf_space_hardware, config.hf_space_variables, secrets)
            return self._space.publish(_files(self._staged), message, of, kept=kept)

    def _explained(self, repository: Repository):
        return explained(repository.url, self._config.hf_token_secret)

    def _publication(
        self, version: Version, tag: str, space: Version, changed: bool
    ) -> Publication:
        return Publication(
            repo_id=self._model.repo_id,
            revision=version.revision,
            tag=tag,
            url=f"{self._model.url}/tree/{tag}",
            space_id=self._space.repo_id,
            space_revision=space.revision,
            space_url=self._space.url,
            changed=changed,
        )


def check_hub(config: HubConfig, recipe: str | None = None) -> str:
    """Look whether the token may write to the repositories, before anything is made.

    Args:
        config: where to and how.
        recipe: of the model that would be published.

    Returns:
        What was found good.

    Raises:
        HubError, SecretError: what is wrong, with its cure.
    """
    model, space = config.hf_repo_id or "", config.hf_space_id or ""
    for reference in config.hf_space_secrets.values():
        read_secret(reference)
    token = read_token(config, model)
    if config.hf_token_secret == TRUSTED_PUBLISHING:
        read_token(config, f"spaces/{space}")
        return f"{config.hf_endpoint} trusts this workflow with {model} and its Space {space}"
    with explained(config.hf_endpoint, config.hf_token_secret):
        who = retrying()(HfApi(endpoint=config.hf_endpoint, token=token).whoami)
    # Of a login with the browser the Hub tells no role.
    role = (who.get("auth", {}).get("accessToken") or {}).get("role")
    owners = {who["name"], *(organisation["name"] for organisation in who.get("orgs", []))}
    if role == "read":
        raise HubError(
            f"The token of {config.hf_token_secret} may only read: make one with write access "
            f"at {config.hf_endpoint}/settings/tokens."
        )
    for name in (model, space):
        if name.partition("/")[0] not in owners:
            raise HubError(
                f"{who['name']} may not publish as {name}: expected one of "
                f"{', '.join(sorted(owners))} as its owner."
            )
    for repository in _repositories(config):
        with explained(repository.url, config.hf_token_secret):
            repository.check_owner(Manifest(recipe=recipe))
    return f"{who['name']} may publish {model} and its Space {space} at {config.hf_endpoint}"


def _repositories(config: HubConfig) -> tuple[Repository, Repository]:
    """Return the model's and the Space's."""
    model, space = config.hf_repo_id or "", config.hf_space_id or ""
    trusted = config.hf_token_secret == TRUSTED_PUBLISHING
    of_model, of_space = read_token(config, model), read_token(config, f"spaces/{space}")
    return (
        Repository(config.hf_endpoint, model, "model", of_model, trusted),
        Repository(config.hf_endpoint, space, "space", of_space, trusted),
    )


def _identity(model: Path) -> Manifest:
    """Recipe and task of a folder that is published, as its provenance tells them."""
    path = model / PROVENANCE
    told = json.loads(path.read_text()) if path.exists() else {}
    return Manifest(recipe=told.get("recipe"), task=told.get("task"))


def _files(folder: Path) -> dict[str, Path]:
    """Return a folder's files by their path in it, in one order everywhere."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
