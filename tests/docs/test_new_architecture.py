"""docs/new-architecture.md, followed."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_page(follow: Callable[..., str], few_pets: Path) -> None:
    output = follow(
        "docs/new-architecture.md",
        "A new architecture",
        DATA_ROOT=few_pets,
        EPOCHS=1,
        IMAGE_SIZE=32,
        BATCH_SIZE=8,
    )
    assert "model tiny, encoder weights none" in output
    assert "verdict" in output
    assert " passed" in output and " failed" not in output
