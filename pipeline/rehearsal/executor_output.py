"""Reads what a step, or the driver before it, says of its outputs: its ExecutorOutput."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.jobs.states import Artifact, Outputs, RehearsalError
from pipeline.rehearsal.invocation import change_texts
from pipeline.rehearsal.parameters import from_json


def read_executor_output(
    content: bytes | None,
    expected: Mapping[str, Artifact],
    to_cloud: Callable[[str], str],
    new_name: Callable[[], str],
) -> Outputs:
    """Return what a step put out.

    Args:
        content: of the ExecutorOutput's file; None where the command wrote none.
        expected: the outputs that the step was told to write; their types are not repeated.
        to_cloud: undoes the mapping of paths in a text.
        new_name: names the artifacts beyond the expected one of an output.

    Raises:
        RehearsalError: the file is not an ExecutorOutput.
    """
    message = pipeline_spec_pb2.ExecutorOutput()
    try:
        json_format.Parse(content or b"{}", message, ignore_unknown_fields=True)
    except (json_format.ParseError, UnicodeDecodeError) as error:
        raise RehearsalError(f"It wrote an ExecutorOutput that does not parse: {error}") from error
    output = change_texts(json_format.MessageToDict(message), to_cloud)
    parameters = {**output.get("parameters", {}), **output.get("parameterValues", {})}
    written = output.get("artifacts", {})
    return Outputs(
        artifacts={
            name: [
                _merged(artifact if number == 0 else _another(artifact, new_name()), given)
                for number, given in enumerate(written.get(name, {}).get("artifacts", [{}]))
            ]
            for name, artifact in expected.items()
        },
        parameters={name: from_json(value) for name, value in parameters.items()},
    )


def _merged(expected: Artifact, given: Mapping[str, Any]) -> Artifact:
    return dataclasses.replace(
        expected,
        uri=given.get("uri") or expected.uri,
        metadata={**expected.metadata, **given.get("metadata", {})},
    )


def _another(expected: Artifact, name: str) -> Artifact:
    return dataclasses.replace(expected, name=name)
