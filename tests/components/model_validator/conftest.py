"""What the tests of ModelValidator share."""

import pytest

from tests.models.drawn_pets import Pet


@pytest.fixture(scope="session")
def examples(drawn: list[Pet]) -> list[bytes]:
    """Three examples of the data set, serialized."""
    return [pet.example() for pet in drawn[:3]]
