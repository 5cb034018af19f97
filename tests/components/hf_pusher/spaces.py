"""What the repositories of a model and its Space hold."""

import json

from tests.components.hf_pusher.conftest import MODEL
from tests.emulators.hub import HubEmulator


def pinned(hub: HubEmulator, space: str = MODEL) -> dict[str, str]:
    """Which model the Space serves."""
    return json.loads(hub.content("spaces", space, "main", "model.json"))


def titles(hub: HubEmulator, kind: str, repo_id: str = MODEL) -> list[str]:
    return [commit.title for commit in hub.commits(kind, repo_id)]
