"""A job and its parameters as a command line gives them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.jobs.states import RehearsalError
from pipeline.rehearsal.job import given_parameters, parse
from pipeline.rehearsal.parameters import from_text, job_parameters, to_json


def load_job(spec: Path) -> Any:
    """Read a PipelineJob's file.

    Raises:
        RehearsalError: it is not there, or holds no JSON.
    """
    try:
        return json.loads(spec.read_text())
    except (OSError, ValueError) as error:
        raise RehearsalError(
            f"{spec} cannot be read as JSON ({error}): give the JSON file that KubeflowV2DagRunner "
            "writes."
        ) from error


def with_parameters(job: Any, pairs: Sequence[str]) -> dict[str, Any]:
    """Return the job with other values of parameters, and a value for each.

    Args:
        job: a PipelineJob in the form of its JSON.
        pairs: NAME=VALUE.

    Raises:
        RehearsalError: it is no PipelineJob, or a parameter is unknown, missing or of another type.
    """
    declared = parse(job)[0].root.input_definitions.parameters
    values = given_parameters(job)
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise RehearsalError(f"--parameter {pair} is not of the form NAME=VALUE.")
        values[name] = from_text(name, declared[name], text) if name in declared else text
    complete = to_json(declared, job_parameters(declared, values))
    return {**job, "runtimeConfig": {**job.get("runtimeConfig", {}), **complete}}
