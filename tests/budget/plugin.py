"""Runs a group of tests, measures each test and fixture, and writes `output/tests/GROUP.json`."""

import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.budget.clock import Stopwatch
from tests.budget.costs import Cost, format_slowest, write_run
from tests.budget.groups import GROUPS, MOST, find_group

_FIXTURE, _PROCESSOR = "fixture", "processor"
_NOTABLE = 0.2  # s; a fixture that takes less is told with its test
_item = pytest.StashKey[pytest.Item]()  # the test that runs, to which its fixtures' time belongs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--group", choices=list(GROUPS), help="run this group of tests alone")


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # where all workers report to
        config.pluginmanager.register(_Collector(config))
    group = config.getoption("--group")
    if group and group != MOST:  # nothing else is imported
        config.args = list(GROUPS[group].tests)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    group = config.getoption("--group")
    others = group and find_group(collection_path.relative_to(config.rootpath)) != group
    return (others and collection_path.is_file()) or None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    group = session.config.getoption("--group")
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and group and not GROUPS[group].tests:
        session.exitstatus = pytest.ExitCode.OK


def _measure(item: pytest.Item) -> Generator[None, Any, Any]:
    item.config.stash[_item] = item
    watch = Stopwatch()
    try:
        return (yield)
    finally:
        item.user_properties.append((_PROCESSOR, watch.stop().processor))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _measure(item))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _measure(item))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from _measure(item))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    watch = Stopwatch()
    try:
        return (yield)
    finally:
        spent = watch.stop()
        if spent.seconds > _NOTABLE:
            name = "::".join(filter(None, (fixturedef.baseid, fixturedef.argname)))
            told = [name, spent.seconds, spent.processor]
            request.config.stash[_item].user_properties.append((_FIXTURE, told))


class _Collector:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._costs: dict[str, Cost] = {}
        self._began = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        cost = self._costs.setdefault(report.nodeid, Cost(report.nodeid))
        if report.when == "call":
            cost.seconds += report.duration
        else:
            cost.fixture_seconds += report.duration
        if report.when == "teardown":  # the last report has the properties of all
            told: list[tuple[str, Any]] = report.user_properties
            cost.processor = sum(value for name, value in told if name == _PROCESSOR)
            cost.fixtures = [
                Cost(name, seconds, processor=processor)
                for kind, value in told
                if kind == _FIXTURE
                for name, seconds, processor in [value]
            ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._costs:  # nothing ran
            return
        terminalreporter.section("slowest, with processor time")
        for line in format_slowest(self._costs.values()):
            terminalreporter.line(line)
        if group := self._config.getoption("--group"):
            seconds = time.monotonic() - self._began
            path = write_run(group, seconds, self._costs.values())
            terminalreporter.line(f"{path.relative_to(self._config.rootpath)} has all of them")
