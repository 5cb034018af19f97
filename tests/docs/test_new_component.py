"""docs/new-component.md, followed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_runs import SMOKE


@pytest.mark.slow
def test_the_page(
    follow: Callable[..., str], checkout: Path, drawn_pets: Path, few_pets: Path
) -> None:
    """With what it would draw."""
    shutil.copytree(drawn_pets, checkout / "data" / "scenes")
    output = follow(
        "docs/new-component.md",
        "A new component",
        DATA_ROOT=few_pets,
        **SMOKE,
    )
    assert "ImageSizes" in output
    [value] = (checkout / "output" / "smoke" / "pipeline" / "ImageSizes" / "sizes").glob("*/value")
    sizes = json.loads(value.read_text())
    assert sizes.keys() == {"train", "eval"}
    assert 0 < sizes["train"]["least"] <= sizes["train"]["greatest"]
