"""docs/new-architecture.md, followed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_runs import REFUSED


@pytest.mark.slow
def test_the_page(follow: Callable[..., str], few_pets: Path) -> None:
    output = follow(
        "docs/new-architecture.md",
        "A new architecture",
        compiled=True,  # the tests that the page runs train it, export it and convert it
        DATA_ROOT=few_pets,
        **REFUSED,
    )
    assert "model tiny, encoder weights none" in output
    assert "compiled successfully" in output
    assert " passed" in output and " failed" not in output
