"""Serves in every process of pytest, to whose tests the programs' processor time is then added."""

from contextlib import ExitStack

import pytest

from tests.warm.commands import served


def pytest_configure(config: pytest.Config) -> None:
    stack = ExitStack()
    stack.enter_context(served())
    config.add_cleanup(stack.close)
