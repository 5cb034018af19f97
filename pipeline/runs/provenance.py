"""What a run was made with, recorded when it starts: code, versions and machine."""

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from tfx.dsl.compiler import constants
from tfx.proto.orchestration import pipeline_pb2

# In git's own message, in any language.
_TRUST = re.compile(r"git config --global --add safe\.directory .*")
_PACKAGES = ("tfx", "tensorflow", "keras")


def provenance() -> dict[str, str]:
    """Value of each fact by its name, as a reader would call it."""
    return {
        "git commit": git_commit(Path(__file__).parent),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
    }


def git_commit(folder: Path) -> str:
    """Hash of the commit that a folder's files are of, and whether they were changed since.

    Returns:
        For example `a98dd87…, modified`; `none` outside of a git checkout or without git, and with
        the cure where git does not trust a checkout of another user's.
    """
    command = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty=, modified"]
    try:
        return subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True
        ).stdout.strip()
    except subprocess.CalledProcessError as error:
        cure = _TRUST.search(error.stderr)
        return f"none: git does not trust another user's checkout; `{cure[0]}`" if cure else "none"
    except OSError:
        return "none"


def commit_label(folder: Path) -> dict[str, str]:
    """`git_commit` as a label of a job on Vertex AI, where it is part of no step's cache key.

    Returns:
        For example `{"commit": "a98dd87…-modified"}`; empty where there is no commit.
    """
    commit = git_commit(folder)
    return {} if commit.startswith("none") else {"commit": commit.replace(", ", "-")}


def record(pipeline: pipeline_pb2.Pipeline, facts: dict[str, str]) -> None:
    """Puts facts into a compiled pipeline, for TFX to keep them as properties of the run's context.

    There they are no part of any step's cache key, as a component's own properties would be.
    """
    for node in pipeline.nodes:
        for context in node.pipeline_node.contexts.contexts:
            if context.type.name == constants.PIPELINE_RUN_CONTEXT_TYPE_NAME:
                for name, value in facts.items():
                    context.properties[name].field_value.string_value = value
