"""What the tests of `pipeline/` share."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def best_hyperparameters(tmp_path: Path) -> Path:
    """A Tuner's artifact of recipe scenes, which a test may break."""
    folder = tmp_path / "best_hyperparameters"
    folder.mkdir()
    values = {"recipe": "scenes", "batch_size": 16, "learning_rate": 0.0012}
    config = json.dumps({"space": [], "values": values})
    (folder / "best_hyperparameters.txt").write_text(config)
    return folder
