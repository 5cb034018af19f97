"""The tables of what tests cost."""

import json
from pathlib import Path

from tests.budget.costs import _KEPT, Cost, conclude, find_growth, format_slowest, sum_by_file
from tests.budget.groups import GROUPS, find_group
from tests.conftest import REPOSITORY

FIXTURE = Cost("tests::trained", 60.0, processor=100.0)
TESTS = [
    Cost("tests/test_a.py::test_one", 1.0, 61.0, 103.0, [FIXTURE]),
    Cost("tests/test_a.py::test_two", 2.0, 0.5, 2.0),
    Cost("tests/test_b.py::test_three", 5.0, 0.0, 4.0),
]


def test_files_are_summed_up() -> None:
    first, second = sum_by_file(TESTS)
    assert (first.name, first.seconds, first.fixture_seconds) == ("tests/test_a.py", 3.0, 61.5)
    assert (first.processor, second.processor) == (105.0, 4.0)


def test_the_slowest_are_told_with_what_is_their_own() -> None:
    assert format_slowest(TESTS) == [
        "   60.0 s   100.0 s  fixture tests::trained",
        "    5.0 s     4.0 s  tests/test_b.py::test_three",
        "    2.0 s     2.0 s  tests/test_a.py::test_two",
        "    1.0 s     3.0 s  tests/test_a.py::test_one",
    ]


def test_the_last_line_says_what_grew() -> None:
    kept = {"test": {"tests/test_a.py": 50.0, "tests/test_b.py": 3.0}}
    assert find_growth(TESTS, kept["test"]) == ["tests/test_a.py +55 s"]
    limit = GROUPS["test"].minutes * 60
    assert conclude({"test": (limit, TESTS)}, kept) == "Every group is within its budget."
    over = conclude({"test": (limit + 60, TESTS)}, kept)
    assert over.startswith("Over budget: group test took 15.0 of 14 minutes; what grew")
    assert over.endswith(": tests/test_a.py +55 s.")


def test_what_was_kept_is_of_files_that_are_there() -> None:
    for group, files in json.loads(_KEPT.read_text()).items():
        for file in files:
            assert (REPOSITORY / file).exists(), f"{file} was moved or removed: move its figure too"
            assert find_group(Path(file)) == group
