"""Verbs called in a process whose Google Cloud is the emulators."""

import contextlib
import io
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch


@dataclass(frozen=True)
class Done:
    """How a verb ended, and what it printed."""

    status: int
    output: str
    error: str


def job_file(folder: Path, spec: dict, **parameters: str) -> str:
    """Writes a job that can be submitted without a word of where its artifacts go."""
    config: dict = {"gcsOutputDirectory": "gs://bucket/root"}
    if parameters:
        declared = {name: {"type": "STRING"} for name in parameters}
        spec["root"]["inputDefinitions"] = {"parameters": declared}
        config["parameters"] = {name: {"stringValue": value} for name, value in parameters.items()}
    path = folder / "job.json"
    job = {"displayName": "pets", "pipelineSpec": spec, "runtimeConfig": config}
    path.write_text(json.dumps(job))
    return str(path)


def verb(*arguments: object, **settings: object) -> Done:
    """Runs `python -m pipeline` with arguments and settings, without long pauses."""
    from pipeline.__main__ import main

    environment = {name.upper(): str(value) for name, value in settings.items()}
    output, error = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, {"COLUMNS": "200", **environment}),
        patch.object(sys, "argv", ["pipeline", *map(str, arguments)]),
        patch("time.sleep"),
        patch("pipeline.vertex.jobs.POLL_SECONDS", 0.1),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
    ):
        status = main()
    return Done(status, output.getvalue(), error.getvalue())


def verb_in(folder: Path, *arguments: object, **settings: object) -> Done:
    """Runs `python -m pipeline` in a folder."""
    with contextlib.chdir(folder):
        return verb(*arguments, **settings)
