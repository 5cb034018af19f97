"""Brings a published model back from the Hub."""

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import RepositoryNotFoundError

from components.hf_pusher.answers import HubError, explained
from components.hf_pusher.config import RepositoryConfig
from components.hf_pusher.hub import Repository
from components.hf_pusher.tokens import read_token
from components.secrets import SecretError

# Of the repository's files, those of the SavedModel.
_SAVED_MODEL = ["saved_model.pb", "fingerprint.pb", "variables/*", "assets/*", "assets.extra/*"]


def download_model(config: RepositoryConfig, repo_id: str, tag: str) -> Path:
    """Download the SavedModel of a version, unless it is in the client's cache.

    Args:
        config: of the Hub.
        repo_id: the model repository, OWNER/NAME.
        tag: of the version.

    Returns:
        Its folder.

    Raises:
        HubError: there is no such tag, or the Hub does not hand the model out.
    """
    try:
        token = read_token(config, repo_id)
    except SecretError:  # a public repository is read without one
        token = None
    url = f"{config.hf_endpoint}/{repo_id}"
    with explained(url, config.hf_token_secret):
        try:
            repository = Repository(config.hf_endpoint, repo_id, "model", token)
            folder = snapshot_download(
                repo_id,
                revision=repository.revision_of(tag),
                endpoint=config.hf_endpoint,
                token=token,
                allow_patterns=_SAVED_MODEL,
            )
        except RepositoryNotFoundError as error:
            raise HubError(
                f"{url} is no repository that the token of {config.hf_token_secret} may read: set "
                "HF_REPO_ID to another one, or use another token."
            ) from error
    return Path(folder)
