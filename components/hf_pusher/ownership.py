"""What of a repository is ours: the files that its manifest lists, and a section of its card."""

import hashlib
import re
from typing import Any

from huggingface_hub import RepoCard
from huggingface_hub.repocard_data import CardData
from pydantic import BaseModel, ConfigDict

MANIFEST = "published.json"
CARD = "README.md"
PROVENANCE = "provenance.json"
BEGIN = "<!-- Written by the pipeline, and replaced with each version. -->"
END = "<!-- What follows is yours. -->"
# A repository that was published to before there were manifests holds this file.
_OLDER = {"model": PROVENANCE, "space": "model.json"}
_OLDER_CARD = "A tag of this repository is a version, named by the digest of its files."
_SECTION = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
# What the Hub writes into the card of a new Space.
_PLACEHOLDER = "docs/hub/spaces-config-reference"
# Front matter of a Space by which its app is found and run.
_OF_AN_APP = ("sdk", "sdk_version", "python_version", "app_file", "models")
_NO_LICENCE = "other"  # what a model gets whose licence nobody set


class Manifest(BaseModel):
    """What was published to a repository.

    Attributes:
        recipe: of the model; None when its provenance does not tell.
        task: likewise.
        files: paths in the repository.
        card: SHA-256 of the card as we wrote it, in hex; of another one people have a part.
    """

    model_config = ConfigDict(frozen=True)

    recipe: str | None = None
    task: str | None = None
    files: tuple[str, ...] = ()
    card: str | None = None

    def is_of_another(self, other: "Manifest") -> bool:
        """Tell whether two manifests are known to be of models of different recipes or tasks."""
        pairs = ((self.recipe, other.recipe), (self.task, other.task))
        return any(None not in pair and pair[0] != pair[1] for pair in pairs)

    def encode(self) -> bytes:
        """As it lies in the repository."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def older_sign(repo_type: str) -> str:
    """Return the file that marks a repository published to before there were manifests."""
    return _OLDER[repo_type]


def digest(card: str) -> str:
    """SHA-256 of a card, in hex."""
    return hashlib.sha256(card.encode()).hexdigest()


def merge_cards(theirs: str, ours: str, manifest: Manifest | None, repo_type: str) -> str:
    """Put our card into the one that is there, of which people may have written a part.

    Args:
        theirs: the card that is there.
        ours: the card of what is published.
        manifest: of what was published before; None where nothing was.
        repo_type: model or space.

    Returns:
        Our card where nobody has changed the one before. Of a model's card otherwise all text
        outside our section is kept, and of a Space's card all but what its app is found by.

    Raises:
        ValueError: the front matter of the card that is there cannot be read.
    """
    if manifest is not None and manifest.card == digest(theirs):
        return ours
    older = _OLDER_CARD in theirs and BEGIN not in theirs
    if older or (manifest is None and _PLACEHOLDER in theirs):
        return ours
    there, made = RepoCard(theirs), RepoCard(ours)
    kept, written = there.data.to_dict(), made.data.to_dict()
    if repo_type == "space":
        data = {**written, **kept, **{key: written[key] for key in _OF_AN_APP if key in written}}
        return _card(data, there.text)
    data = {**kept, **written}
    if "license" in kept and written.get("license", _NO_LICENCE) == _NO_LICENCE:
        data["license"] = kept["license"]
    if tags := [*(kept.get("tags") or []), *(written.get("tags") or [])]:
        data["tags"] = list(dict.fromkeys(tags))
    return _card(data, _replace_section(there.text, made.text))


def _replace_section(theirs: str, ours: str) -> str:
    found = _SECTION.search(ours)
    section = found[0] if found else f"{BEGIN}\n\n{ours.strip()}\n\n{END}"
    if _SECTION.search(theirs):
        return _SECTION.sub(lambda _: section, theirs, count=1)
    return f"{theirs.rstrip()}\n\n{section}\n"


def _card(data: dict[str, Any], text: str) -> str:
    return f"---\n{CardData(**data).to_yaml()}\n---\n{text}"
