"""Knows the fixtures that take minutes: what needs one is slow, and no worker waits for another's.

Each of two workers begins with fixtures of its own. Worksteal gives the first worker the first half
of the tests and the second one the other half; whoever is done first takes over tests from the end
of the other's half.
"""

from collections.abc import Sequence

import pytest

# Fixtures that both workers share, each half's in the order in which they are made.
HALVES = (("cloud_run", "left"), ("trained", "walk", "hostile"))
_SECONDS = "hostile"  # takes less than a minute


def pytest_itemcollected(item: pytest.Item) -> None:
    if takes_minutes(item):
        item.add_marker("slow")


def takes_minutes(item: pytest.Item) -> bool:
    """Tells whether a test needs a fixture that takes over a minute."""
    needed = set(getattr(item, "fixturenames", ())) - {_SECONDS}
    return any(needed.intersection(half) for half in HALVES)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = order(items)


def order(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Begins each half with the tests of its fixtures, and ends with those that need both halves'.

    The others keep their order.
    """
    first, second, both, others = ([] for _ in range(4))
    for item in items:
        of_first, of_second = (_find(item, half) for half in HALVES)
        if of_first and of_second:
            both.append(item)
        elif of_first:
            first.append((of_first, item))
        elif of_second:
            second.append((of_second, item))
        else:
            others.append(item)
    middle = max(len(items) // 2 - len(first), 0)
    return [*_sort(first), *others[:middle], *_sort(second), *others[middle:], *both]


def _find(item: pytest.Item, fixtures: Sequence[str]) -> int:
    """The place of the first fixture that a test needs, from 1; 0 if it needs none."""
    needed = getattr(item, "fixturenames", ())
    return next((place for place, name in enumerate(fixtures, 1) if name in needed), 0)


def _sort(placed: list[tuple[int, pytest.Item]]) -> list[pytest.Item]:
    return [item for _, item in sorted(placed, key=lambda pair: pair[0])]
