"""What a run was made with, recorded when it starts: code, versions and machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from tfx.dsl.compiler import constants
from tfx.proto.orchestration import pipeline_pb2

from components.git import git_commit

_PACKAGES = ("tfx", "tensorflow", "keras")


def provenance() -> dict[str, str]:
    """Value of each fact by its name, as a reader would call it."""
    return {
        "git commit": git_commit(Path(__file__).parent),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
    }


def commit_label(folder: Path) -> dict[str, str]:
    """`git_commit` as a label of a job on Vertex AI, where it is part of no step's cache key.

    Returns:
        For example `{"commit": "a98dd87…-modified"}`; empty where there is no commit.
    """
    commit = git_commit(folder)
    return {} if commit.startswith("none") else {"commit": commit.replace(", ", "-")}


def record(pipeline: pipeline_pb2.Pipeline, facts: dict[str, str]) -> None:
    """Put facts into a compiled pipeline, for TFX to keep them as properties of the run's context.

    There they are no part of any step's cache key, as a component's own properties would be.
    """
    for node in pipeline.nodes:
        for context in node.pipeline_node.contexts.contexts:
            if context.type.name == constants.PIPELINE_RUN_CONTEXT_TYPE_NAME:
                for name, value in facts.items():
                    context.properties[name].field_value.string_value = value
