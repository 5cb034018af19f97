"""Has each of two workers begin with other fixtures that take minutes, so that none waits.

Worksteal gives the first worker the first half of the tests and the second one the other half;
whoever is done first takes over tests from the end of the other's half.
"""

from collections.abc import Sequence

import pytest

# Fixtures that both workers share, each half's in the order in which they are made.
HALVES = (("cloud_run", "left"), ("trained", "walk", "hostile"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = order(items)


def order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Begins each half with the tests of its fixtures; those without any keep their order."""
    by_fixture: dict[str | None, list[pytest.Item]] = {}
    for item in items:
        by_fixture.setdefault(_find_first(item), []).append(item)
    first, second = (
        [item for name in half for item in by_fixture.get(name, [])] for half in HALVES
    )
    others = by_fixture.get(None, [])
    middle = max(len(items) // 2 - len(first), 0)
    return [*first, *others[:middle], *second, *others[middle:]]


def _find_first(item: pytest.Item) -> str | None:
    names = getattr(item, "fixturenames", ())
    return next((name for half in HALVES for name in half if name in names), None)
