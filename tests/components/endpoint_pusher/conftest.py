"""What the tests of the Endpoint's pusher share: its settings."""

from typing import Any

import pytest

from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import IMAGE


@pytest.fixture
def settings(gcs: GcsEmulator) -> dict[str, Any]:
    """A Deployment's, for the emulated project."""
    return {
        "project": gcs.project,
        "region": "us-central1",
        "name": "pets",
        "recipe": "pets",
        "container": {"image": IMAGE},
        "machine_type": "n1-standard-2",
    }
