"""What the tests of `pipeline/` share."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def best_hyperparameters(tmp_path: Path) -> Path:
    """A Tuner's artifact of recipe pets, which a test may break."""
    folder = tmp_path / "best_hyperparameters"
    folder.mkdir()
    values = {"recipe": "pets", "batch_size": 16, "learning_rate": 0.0012}
    config = json.dumps({"space": [], "values": values})
    (folder / "best_hyperparameters.txt").write_text(config)
    return folder
