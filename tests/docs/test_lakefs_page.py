"""docs/lakefs.md: the commands that need no Docker."""

from collections.abc import Callable
from pathlib import Path

import dotenv

from stores.local_keys import KEYS


def test_the_keys(follow: Callable[..., str], checkout: Path) -> None:
    """Of a fresh checkout: it names what it added, and no value."""
    (checkout / ".env").unlink(missing_ok=True)  # a copy of the developer's own
    page, heading = "docs/lakefs.md", "On this machine, with Docker"
    assert follow(page, heading) == f".env: added {', '.join(KEYS)}.\n"
    assert set(dotenv.dotenv_values(checkout / ".env")) == set(KEYS)
    assert follow(page, heading) == ".env has all keys; nothing was changed.\n"
