"""What the tests of ModelValidator share."""

import pytest

from tests.models.drawn_pets import Pet
from tests.warm.commands import python


@pytest.fixture(scope="session")
def examples(drawn: list[Pet]) -> list[bytes]:
    """Three examples of the data set, serialized."""
    return [pet.example() for pet in drawn[:3]]


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the validator's process the import of TensorFlow, which is all that it has."""
    monkeypatch.setattr("sys.executable", python())
