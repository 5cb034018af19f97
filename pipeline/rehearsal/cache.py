"""The key by which Vertex AI Pipelines finds an earlier execution of a step.

See https://cloud.google.com/vertex-ai/docs/pipelines/configure-caching.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format

from pipeline.jobs.states import Artifact
from pipeline.rehearsal.job import Task


def cache_key(
    task: Task, parameters: Mapping[str, Any], inputs: Mapping[str, list[Artifact]]
) -> str:
    """Return the step's interface in short: component, inputs, names of outputs.

    Args:
        task: a task with a container.
        parameters: its input parameters, with what its driver has found.
        inputs: its input artifacts, whose names are their identity.
    """
    if task.spec.caching_options.cache_key:
        return task.spec.caching_options.cache_key
    container = json_format.MessageToDict(task.executor.container)
    outputs = task.component.output_definitions
    interface = {
        "component": {name: container.get(name) for name in ("image", "command", "args", "env")},
        "parameters": dict(parameters),
        "artifacts": {name: [a.name for a in listed] for name, listed in inputs.items()},
        "outputs": [sorted(outputs.artifacts), sorted(outputs.parameters)],
    }
    return hashlib.sha256(json.dumps(interface, sort_keys=True).encode()).hexdigest()
