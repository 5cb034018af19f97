"""Verbs called in a process whose Google Cloud is the emulators."""

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from unittest.mock import patch


@dataclass(frozen=True)
class Done:
    """How a verb ended, and what it printed."""

    status: int
    output: str
    error: str


def verb(*arguments: object, **settings: object) -> Done:
    """Runs `python -m pipeline` with arguments and settings, without waiting between tries."""
    from pipeline.__main__ import main

    environment = {name.upper(): str(value) for name, value in settings.items()}
    output, error = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, {"COLUMNS": "200", **environment}),
        patch.object(sys, "argv", ["pipeline", *map(str, arguments)]),
        patch("time.sleep"),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
    ):
        status = main()
    return Done(status, output.getvalue(), error.getvalue())
