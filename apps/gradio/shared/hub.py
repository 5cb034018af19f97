"""Finds the model to serve: the one that `model.json` names on the Hugging Face Hub."""

import json
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, snapshot_download

from runtime import LITE_MODEL, PROVENANCE

_SAVED_MODEL = ["saved_model.pb", "fingerprint.pb", "variables/*", "assets/*", PROVENANCE]


@dataclass(frozen=True)
class Origin:
    """Where a model comes from.

    Attributes:
        name: for people.
        url: its page, where it has one.
        card: what tells of it, where there is such a page.
    """

    name: str
    url: str | None = None
    card: str | None = None


def download(model_json: Path) -> tuple[Path, Origin]:
    """Download what an app needs of a model repository, at one revision.

    Args:
        model_json: file with `repo_id`, `revision` (a commit) and `tag`.

    Returns:
        The folder of the model, in the Hub client's cache; and where it comes from.

    Raises:
        ValueError: the Hub does not hand the model out; the message says why.
    """
    named = json.loads(model_json.read_text("utf-8"))
    repo_id, revision = named["repo_id"], named["revision"]
    try:
        files = HfApi().list_repo_files(repo_id, revision=revision)
        wanted = [LITE_MODEL, PROVENANCE] if LITE_MODEL in files else _SAVED_MODEL
        folder = snapshot_download(repo_id, revision=revision, allow_patterns=wanted)
    except Exception as error:  # the client lets through what its HTTP library raises
        raise ValueError(
            f"{repo_id} at revision {revision} cannot be downloaded from {constants.ENDPOINT}; if "
            f"it is private, set the secret HF_TOKEN to a token that may read it. {error}"
        ) from error
    page = f"{constants.ENDPOINT}/{repo_id}"
    name = f"{repo_id} {named['tag']} ({revision[:7]})"
    card = f"{page}/blob/{revision}/README.md"
    return Path(folder), Origin(name, f"{page}/tree/{revision}", card)
