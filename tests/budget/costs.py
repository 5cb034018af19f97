"""What tests cost, in tables: by file, and the slowest of them.

`python -m tests.budget.costs` sums up the newest run of every group, which lies in `output/tests`,
and says in its last line which group took longer than it may and what grew; `--keep` has the next
ones compared to this one.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.budget.groups import GROUPS

_ROOT = Path(__file__).parents[2]
_RUNS = _ROOT / "output" / "tests"
_KEPT = Path(__file__).with_name("kept.json")  # processor seconds by group and file
_SLOWEST = 10
_GREW = 5.0  # s of processor time that a file takes more than it did; less is noise


@dataclass
class Cost:
    """What a test or a fixture took.

    Attributes:
        name: the test's node, or the fixture's folder and name.
        seconds: of the clock, without those of the fixtures.
        fixture_seconds: of the clock, of setting up and tearing down.
        processor: seconds of all processors.
        fixtures: those that were set up for the test, and took long.
    """

    name: str
    seconds: float = 0.0
    fixture_seconds: float = 0.0
    processor: float = 0.0
    fixtures: list["Cost"] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The file of a test."""
        return self.name.partition("::")[0]


def write_run(group: str, seconds: float, tests: Iterable[Cost]) -> Path:
    """Writes what a run of a group took to `output/tests/GROUP.json`; returns the path."""
    _RUNS.mkdir(parents=True, exist_ok=True)
    path = _RUNS / f"{group}.json"
    told = {"seconds": seconds, "tests": [asdict(test) for test in tests]}
    made = path.with_suffix(".new")
    made.write_text(json.dumps(told, indent=1))
    made.replace(path)
    return path


def read_run(path: Path) -> tuple[float, list[Cost]]:
    """Reads what `write_run` wrote: seconds of the clock, and the tests' costs."""
    told = json.loads(path.read_text())
    tests = [
        Cost(**{**test, "fixtures": [Cost(**fixture) for fixture in test["fixtures"]]})
        for test in told["tests"]
    ]
    return told["seconds"], tests


def sum_by_file(tests: Iterable[Cost]) -> list[Cost]:
    """Sums up the tests of each file, the most expensive first."""
    files: dict[str, Cost] = {}
    for test in tests:
        total = files.setdefault(test.file, Cost(test.file))
        total.seconds += test.seconds
        total.fixture_seconds += test.fixture_seconds
        total.processor += test.processor
    return sorted(files.values(), key=lambda file: -file.processor)


def format_slowest(tests: Iterable[Cost]) -> list[str]:
    """Formats the slowest tests and fixtures as lines of seconds, processor seconds and name."""
    tests = list(tests)
    fixtures: dict[str, Cost] = {}
    for fixture in (fixture for test in tests for fixture in test.fixtures):
        if fixture.seconds > fixtures.setdefault(fixture.name, fixture).seconds:
            fixtures[fixture.name] = fixture
    rows = [(cost.seconds, cost.processor, f"fixture {cost.name}") for cost in fixtures.values()]
    for test in tests:
        own = test.processor - sum(fixture.processor for fixture in test.fixtures)
        rows.append((test.seconds, max(own, 0.0), test.name))
    rows.sort(reverse=True)
    return [f"{seconds:7.1f} s {own:7.1f} s  {name}" for seconds, own, name in rows[:_SLOWEST]]


def format_files(tests: Iterable[Cost]) -> list[str]:
    """Formats the sums by file as lines: fixtures, tests, processor seconds and name."""
    return [
        f"{file.fixture_seconds:7.1f} s {file.seconds:7.1f} s {file.processor:7.1f} s  {file.name}"
        for file in sum_by_file(tests)
    ]


def find_growth(tests: Iterable[Cost], kept: dict[str, float]) -> list[str]:
    """Finds the files that take more processor time than what was kept says, the worst first."""
    grown = [
        (file.processor - kept.get(file.name, 0.0), file.name)
        for file in sum_by_file(tests)
        if file.processor - kept.get(file.name, 0.0) > _GREW
    ]
    return [f"{name} +{more:.0f} s" for more, name in sorted(grown, reverse=True)]


def conclude(runs: dict[str, tuple[float, list[Cost]]], kept: dict[str, dict[str, float]]) -> str:
    """Says in one line whether every group is within its budget, and what grew where not."""
    over = []
    for group, (seconds, tests) in runs.items():
        if seconds > GROUPS[group].minutes * 60:
            growth = ", ".join(find_growth(tests, kept.get(group, {}))[:3]) or "no file by itself"
            over.append(
                f"group {group} took {seconds / 60:.1f} of {GROUPS[group].minutes:g} minutes; "
                f"what grew (processor time): {growth}"
            )
    return f"Over budget: {'; '.join(over)}." if over else "Every group is within its budget."


def main() -> int:
    """Sums up the newest run of every group."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="compare the next runs to these")
    parser.add_argument("--files", action="store_true", help="print the sums by file as well")
    arguments = parser.parse_args()
    runs = {group: read_run(path) for group in GROUPS if (path := _RUNS / f"{group}.json").exists()}
    kept = json.loads(_KEPT.read_text()) if _KEPT.exists() else {}
    if arguments.keep:
        for group, (_, tests) in runs.items():
            kept[group] = {file.name: round(file.processor, 1) for file in sum_by_file(tests)}
        _KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    every = [test for _, tests in runs.values() for test in tests]
    if arguments.files:
        print("Fixtures, tests and processor seconds by file:", *format_files(every), sep="\n")
    print("The slowest tests and fixtures, with their processor time:")
    print(*format_slowest(every), sep="\n")
    total = sum(seconds for seconds, _ in runs.values())
    shares = ", ".join(f"{group} {seconds / 60:.1f}" for group, (seconds, _) in runs.items())
    print(f"Total: {total / 60:.1f} min ({shares}).")
    print(conclude(runs, kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
