"""The order in which tests run."""

from types import SimpleNamespace

import pytest

from tests.order import order, takes_minutes


def test_each_half_begins_with_its_own_fixtures() -> None:
    fixtures = ["", "walk", "", "cloud_run", "trained", "", "left", "", "cloud_run trained"]
    items = [SimpleNamespace(name=n, fixturenames=f.split()) for n, f in enumerate(fixtures)]
    assert [item.name for item in order(items)] == [3, 6, 0, 2, 4, 1, 5, 7, 8]
    assert [item.name for item in order(items[:3])] == [0, 1, 2]


def test_fixtures_of_one_half_may_fill_both() -> None:
    items = [SimpleNamespace(name=n, fixturenames=["left"]) for n in range(4)]
    assert order(items) == items


@pytest.mark.parametrize(
    ("fixtures", "expected"),
    [([], False), (["hostile"], False), (["tmp_path", "trained"], True), (["left"], True)],
)
def test_what_needs_a_fixture_of_minutes_is_slow(fixtures: list[str], expected: bool) -> None:
    assert takes_minutes(SimpleNamespace(fixturenames=fixtures)) == expected
