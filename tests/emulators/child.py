"""A process with an environment of its own, in which tests call functions."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar
from unittest.mock import patch

from google.api_core.exceptions import GoogleAPICallError

T = TypeVar("T")


class Refused(Exception):
    """What a Google client raised, without what cannot be passed between processes.

    Args:
        kind: The name of the exception's class.
        message: What a user reads.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message


def _call(function: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
    try:
        return function(*arguments, **keywords)
    except GoogleAPICallError as error:
        raise Refused(type(error).__name__, str(error)) from None


class ChildProcess:
    """Calls functions of modules in another process, which imports what they need once.

    gRPC, curl and TensorFlow read their settings once in the life of a process, which is why
    tests cannot set them in their own.

    Args:
        environment: What differs from this process's environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._pool = ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        with patch.dict(os.environ, environment):
            self._pool.submit(os.getpid).result()  # starts it

    def __call__(self, function: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
        """Calls a function there.

        Raises:
            Refused: When a Google client raised an error.
        """
        return self._pool.submit(_call, function, *arguments, **keywords).result()

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()
